"""Real processes and networks for the oracle to look at, and the oracle itself."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mooring.rehearse.network import ip

from tests.cluster.oracle.record import Oracle

SERVER = textwrap.dedent("""
    import http.server, signal, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204 if self.path == "/up" else 404)
            self.end_headers()
        def log_message(self, *_): pass
    http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
""")


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Wait until the condition is true and return its value."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def oracle_of(kubeconfig: Path, tmp_path: Path, nodes: dict[str, int] | None = None) -> Iterator[Oracle]:
    """Start an oracle; it ends with the block, even one that was stopped by a signal."""
    oracle = Oracle.start(kubeconfig, tmp_path / "record.jsonl", nodes)
    try:
        yield oracle
    finally:
        with contextlib.suppress(ProcessLookupError, RuntimeError):
            os.kill(oracle.pid, signal.SIGCONT)
            oracle.stop()


def add_network(name: str, number: int) -> str:
    """Make the network namespace `name`, joined to this one by a pair of interfaces; return its address."""
    ip("netns", "add", name)
    ip("link", "add", "name", f"oracle{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("address", "add", f"10.77.{number}.1/24", "dev", f"oracle{number}")
    ip("link", "set", f"oracle{number}", "up")
    ip("-n", name, "link", "set", "lo", "up")
    ip("-n", name, "address", "add", f"10.77.{number}.2/24", "dev", "eth0")
    ip("-n", name, "link", "set", "eth0", "up")
    return f"10.77.{number}.2"


def http_get(address: str) -> None:
    """GET what SERVER answers with 204; raises OSError."""
    with urllib.request.urlopen(f"http://{address}:18088/up", timeout=1):
        return


def listens(port: int) -> bool:
    """Return whether anything listens on a TCP port here."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
