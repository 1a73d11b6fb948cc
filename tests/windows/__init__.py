"""The launcher as it is for Windows: real Windows Python, real Windows programs, under Wine."""

PARTS = "MOORING_WINE_PARTS"
"""Set by `python -m tests.windows`: the directory of what was built; tests then run inside the sandbox."""
