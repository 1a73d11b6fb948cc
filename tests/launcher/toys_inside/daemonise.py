"""daemonise.py FILE: forks twice with setsid; the grandchild ignores signals, touches FILE and stays."""

import os
import signal
import sys
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        os.close(os.open(sys.argv[1], os.O_CREAT))
        while True:
            time.sleep(60)
    os._exit(0)
os.wait()
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
while True:
    time.sleep(60)
