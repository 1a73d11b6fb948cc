"""A small, ordinary HTTP server, which knows nothing about mooring, pods or compartments.

`python sample_server.py --port 8080 [--start-delay S]` answers every path with its name and pid, and
`/slow?seconds=S` after S seconds. On SIGTERM it finishes requests in flight, then exits with 0.
"""

import argparse
import os
import signal
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType


class Handler(BaseHTTPRequestHandler):
    """Answers with its identity, immediately or after a delay."""

    def do_GET(self) -> None:
        """Answer a GET."""
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/slow":
            time.sleep(float(dict(urllib.parse.parse_qsl(url.query)).get("seconds", "1")))
        body = f"served by process {os.getpid()} on {self.connection.getsockname()[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """Finishes requests in flight before it closes."""

    daemon_threads = False


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--start-delay", type=float, default=0, metavar="S", help="wait S seconds before listening")
    options = parser.parse_args()
    time.sleep(options.start_delay)
    with Server(("", options.port), Handler) as server:

        def stop(_number: int, _frame: FrameType | None) -> None:
            # shutdown() waits for serve_forever, which this handler interrupts: it needs a separate thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        server.serve_forever(poll_interval=0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
