"""workers.py FILE: a server with a worker; each writes its name into FILE on SIGTERM, which ends both, with 7."""

import os
import signal
import sys


def stand(name: str) -> None:
    """Write `<name>` on SIGTERM; the server then ends."""

    def on_term(_number: int, _frame: object) -> None:
        tell(name)
        if name == "server":
            os.kill(worker, signal.SIGKILL)
            sys.exit(7)

    signal.signal(signal.SIGTERM, on_term)


def tell(word: str) -> None:
    """Write a word."""
    with open(sys.argv[1], "a") as file:
        file.write(f"{word}\n")


stand("worker")
worker = os.fork()
if worker:
    stand("server")
    tell("up")
while True:
    signal.pause()
