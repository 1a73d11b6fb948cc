"""A toy target: listens, prints `ready` and every signal it gets; ends on SIGTERM unless the argument is `ignore`."""

import os
import signal
import socket
import sys

port, manner = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "end"


def on_signal(number: int, _frame: object) -> None:
    """Print the signal, then do what the second argument says."""
    print(signal.Signals(number).name, flush=True)
    if manner == "end":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    elif manner.startswith("exit="):
        sys.exit(int(manner.removeprefix("exit=")))


for wanted in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(wanted, on_signal)
listener = socket.create_server(("", port))
print("env", os.environ["MOORING_ANCHOR_IP"], os.environ["MOORING_ORDINAL"], flush=True)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        request = connection.recv(4096)
        if request.startswith(b"exit"):
            sys.exit(int(request.split()[1]))
        if request.startswith(b"close"):
            listener.close()
            connection.close()
            signal.pause()
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if request.startswith(b"GET ") else b"hello\n")
