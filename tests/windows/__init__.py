"""The launcher as on Windows: real Windows Python and real Windows programs, under Wine."""

PARTS = "MOORING_WINE_PARTS"
"""Set by `python -m tests.windows`: the directory of what was built; tests then run inside the sandbox."""
