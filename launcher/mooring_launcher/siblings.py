"""Replicas that share an anchor: its network is up until the last of them has stopped."""

import socket
from collections.abc import Callable
from functools import partial

from mooring_launcher.backends import backend
from mooring_launcher.compartment import Compartment
from mooring_launcher.errors import LauncherError

_CONNECT_TIMEOUT_S = 5.0
_REQUEST = b"GET /hold HTTP/1.1\r\nHost: sibling\r\nConnection: close\r\n\r\n"


def await_siblings(compartment: Compartment, ip: str, ports: list[int], tell: Callable[[str], None]) -> None:
    """Return when each launcher that serves on one of these ports has answered /hold, or ended, or is none.

    Without a limit in time, as /hold itself: the grace period of the anchor and of each launcher is one. Within one
    network a port on which nobody listens refuses at once, and a launcher that is killed hangs up.
    """
    for port in ports:
        try:
            connection = backend().run_inside(compartment, partial(_connect, ip, port))
        except OSError:
            continue
        except LauncherError:
            return  # the compartment has gone, and every sibling with it
        tell(f"waiting for the sibling on port {port} to stop")
        with connection:
            _await_answer(connection)


def _connect(ip: str, port: int) -> socket.socket:
    return socket.create_connection((ip, port), timeout=_CONNECT_TIMEOUT_S)


def _await_answer(connection: socket.socket) -> None:
    try:
        connection.sendall(_REQUEST)
        connection.settimeout(None)
        while connection.recv(4096):
            pass
    except OSError:
        return  # it was killed
