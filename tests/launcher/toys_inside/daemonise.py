"""daemonise.py FILE: forks twice with setsid; the grandchild ignores signals and stays; then FILE is created."""

import os
import signal
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(60)
    os._exit(0)
os.wait()
os.close(os.open(sys.argv[1], os.O_CREAT))
while True:
    time.sleep(60)
