"""The launcher, unchanged, but the thread that MORTAL names ends after a second, by an exception or silently."""

import os
import sys
import threading
import time
from typing import Any

from mooring_launcher.__main__ import main
from mooring_launcher.cluster.watch import ObjectWatch
from mooring_launcher.health.server import HealthServer
from mooring_launcher.rendezvous import StopListener

name, manner = os.environ["MORTAL"].split()
WORK: dict[str, tuple[Any, str]] = {
    "mooring-watch-pods": (ObjectWatch, "run"),
    "mooring-watch-statefulsets": (ObjectWatch, "run"),
    "mooring-stop": (StopListener, "run"),
    "mooring-http": (HealthServer, "_serve"),
}
owner, method = WORK[name]
whole = getattr(owner, method)


def shortened(self: Any) -> None:
    """Do the thread's work in another one, so that only the thread is missed."""
    if threading.current_thread().name != name:
        return whole(self)
    threading.Thread(target=whole, args=(self,), name="other", daemon=True).start()
    time.sleep(1)
    if manner == "loudly":
        raise RuntimeError("as the test wants it")
    return None


setattr(owner, method, shortened)
sys.exit(main(sys.argv[1:]))
