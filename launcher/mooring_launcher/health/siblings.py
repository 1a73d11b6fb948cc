"""Replicas that share an anchor: its network is up until the last of them has stopped."""

import socket
import time
from collections.abc import Callable
from functools import partial

from mooring_launcher.errors import LauncherError
from mooring_launcher.health.server import SIBLING_AGENT
from mooring_launcher.platforms.compartment import Inside

_CONNECT_TIMEOUT_S = 5.0
_PAUSE_S = 1.0
_ANSWER_LIMIT = 64
"""Bytes: only the status line matters."""
_REQUEST = b"GET /hold HTTP/1.1\r\nHost: sibling\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n" % SIBLING_AGENT


def await_siblings(inside: Inside, ip: str, ports: list[int], tell: Callable[[str], None]) -> None:
    """Return when each launcher on one of these ports has answered /hold or ended. A port may have none.

    Without a limit in time, as /hold itself: the grace period of the anchor and of each launcher is one. Within one
    network a port without a listener refuses immediately, and a launcher that is killed hangs up.
    """
    for port in ports:
        told = False
        while True:
            try:
                connection = inside.run(partial(_connect, ip, port))
            except OSError:
                break
            except LauncherError:
                return  # the compartment no longer exists, and neither do the siblings
            if not told:
                told = True
                tell(f"waiting for the sibling on port {port} to stop")
            with connection:
                if _has_stopped(connection):
                    break
            time.sleep(_PAUSE_S)


def _connect(ip: str, port: int) -> socket.socket:
    return socket.create_connection((ip, port), timeout=_CONNECT_TIMEOUT_S)


def _has_stopped(connection: socket.socket) -> bool:
    """Wait for the answer; False if it is a refusal, True if the program has stopped or the launcher was killed."""
    answer = b""
    try:
        connection.sendall(_REQUEST)
        connection.settimeout(None)
        while chunk := connection.recv(4096):
            answer = (answer + chunk)[:_ANSWER_LIMIT]
    except OSError:
        return True  # it was killed
    return not answer or b" 200 " in answer.partition(b"\r\n")[0]
