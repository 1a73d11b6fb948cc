"""The launcher: starts one program in its anchor's network compartment and keeps the pair healthy.

Standard library and ctypes only; only the gate imports psutil.
"""

__version__ = "0.1.0"
