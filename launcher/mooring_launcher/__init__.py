"""The launcher: starts one program in its anchor's network compartment and keeps the pair healthy.

Standard library and ctypes only; psutil is imported by the gate alone.
"""

__version__ = "0.1.0"
