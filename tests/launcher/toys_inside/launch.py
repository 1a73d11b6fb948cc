"""launch.py NAMESPACE PROGRAM ARGS…: what a launcher does, so that a test can kill it. Prints the tree's pids."""

import os
import sys
import time

from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment
from mooring_launcher.platforms.target import TargetSpec

path, exe, *args = sys.argv[1:]
started = backend().start_target(Compartment(os.stat(path).st_ino, path), TargetSpec(exe, args, "", dict(os.environ)))
while not os.path.exists(args[-1]):
    time.sleep(0.01)
print(*started.tree(), flush=True)
while True:
    time.sleep(60)
