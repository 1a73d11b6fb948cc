"""Listens and accepts connections for a selector. Out of descriptors, it backs off and recovers.

A listener that cannot accept stays readable, so retrying immediately would take a whole CPU. Room is made by dropping a
stranger; else one descriptor kept in reserve serves the next request that is not a stranger's: perhaps kubelet's.
"""

import errno
import selectors
import socket
import time
from collections.abc import Callable

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.platforms.scarcity import is_scarcity

_BACKLOG = 1024
"""How many connections the kernel keeps until they are accepted; it cuts this down to what it allows."""
# On Windows SO_REUSEADDR would let two programs listen on one port, and the other refuses with "access denied".
_SOLE_LISTENER: int = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
_TAKEN = (errno.EADDRINUSE, getattr(errno, "WSAEACCES", errno.EADDRINUSE))
_BATCH = 64
_PAUSE_S = 0.2
"""How long no connection is accepted once descriptors have run out."""
_TELL_EVERY_S = 30.0

# accept(2): a connection whose client gave it up first. Nothing is wrong on this side.
_GIVEN_UP = (errno.ECONNABORTED, errno.EINTR, getattr(errno, "EPROTO", errno.ECONNABORTED))


def listen(ip: str, port: int) -> socket.socket:
    """Return a socket that listens. LauncherError READINESS_PORT_TAKEN, or COMPARTMENT_NOT_FOUND without that IP."""
    listener = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SOLE_LISTENER, 1)
        listener.bind((ip, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno in _TAKEN
        code = ExitCode.READINESS_PORT_TAKEN if taken else ExitCode.COMPARTMENT_NOT_FOUND
        message = f"bind({ip}, readiness.port {port}): {error.errno} {error.strerror}"
        raise LauncherError(code, message) from error
    listener.setblocking(False)
    return listener


class Intake:
    """Hands every new connection to `admit(socket, peer's address)`."""

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        admit: Callable[[socket.socket, str], None],
        make_room: Callable[[], bool],
        may_use_reserve: Callable[[str], bool],
        warn: Callable[[str], None],
    ) -> None:
        """Register the listener. `make_room` drops a connection and returns whether there was one."""
        self._warn = warn
        self._told_s = float("-inf")
        self._listener = listener
        self._selector = selector
        self._admit = admit
        self._make_room = make_room
        self._may_use_reserve = may_use_reserve
        self._reserve: socket.socket | None = None
        self._resume_at_s: float | None = None
        self._fill_reserve()
        self._register()

    @property
    def resume_at_s(self) -> float | None:
        """When `resume` is due (time.monotonic()); None while connections are accepted."""
        return self._resume_at_s

    def resume(self) -> None:
        """Accept again when the pause is over."""
        if self._resume_at_s is not None and time.monotonic() >= self._resume_at_s:
            self._resume_at_s = None
            self._fill_reserve()
            self._register()

    def close(self) -> None:
        """Close the listener and the reserve. The selector belongs to the caller."""
        self._listener.close()
        if self._reserve is not None:
            self._reserve.close()

    def _register(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self, _listener: socket.socket, _events: int) -> None:
        for _ in range(_BATCH):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GIVEN_UP:
                    continue
                self._tell(error)
                if not is_scarcity(error) or not (self._make_room() or self._accept_with_reserve()):
                    self._pause()
                return
            self._admit(sock, address[0])

    def _accept_with_reserve(self) -> bool:
        """Take a request with the last descriptor, hang up on a stranger; return whether there is a reserve again."""
        if self._reserve is not None:
            self._reserve.close()
            self._reserve = None
            try:
                sock, address = self._listener.accept()
            except OSError:
                return False
            if self._may_use_reserve(address[0]):
                self._admit(sock, address[0])
            else:
                sock.close()
        return self._fill_reserve()

    def _fill_reserve(self) -> bool:
        if self._reserve is None:
            try:
                self._reserve = socket.socket()
            except OSError:
                return False
        return True

    def _tell(self, error: OSError) -> None:
        if time.monotonic() - self._told_s >= _TELL_EVERY_S:
            self._told_s = time.monotonic()
            self._warn(f"accept: {error.errno} {error.strerror}: connections must wait")

    def _pause(self) -> None:
        self._selector.unregister(self._listener)
        self._resume_at_s = time.monotonic() + _PAUSE_S
