"""Which platform's backend this launcher uses."""

import sys

from mooring_launcher.platforms.compartment import Backend


def backend() -> Backend:
    """Return this platform's backend. Imported on first use: neither loads on the other platform."""
    if sys.platform == "win32":
        from mooring_launcher.platforms import windows as module
    else:
        from mooring_launcher.platforms import linux as module
    return module
