"""One TCP, HTTP or command check, made inside the compartment and bounded in time as a whole.

Only making the socket happens inside; a socket stays in the compartment that it was made in. Nothing here raises for
what the program does: a failed check is a value.
"""

import re
import socket
from typing import TYPE_CHECKING, NamedTuple

from mooring_launcher.errors import LauncherError
from mooring_launcher.gate.deadline import Deadline
from mooring_launcher.platforms.compartment import Inside
from mooring_launcher.platforms.scarcity import is_scarcity
from mooring_launcher.platforms.target import Target

if TYPE_CHECKING:
    from mooring_launcher.gate.http import Response


class Look(NamedTuple):
    """What one look at a condition saw: whether it was good, and a sentence with the value.

    `good` is None for a look that could not be taken, which says nothing about the program: see `blind_look`.
    """

    good: bool | None
    value: str


def blind_look(error: BaseException) -> Look:
    """Return the look that an error prevented."""
    return Look(None, f"could not be checked: {type(error).__name__}: {error}")


class Endpoint(NamedTuple):
    """Where a check connects to."""

    inside: Inside
    ip: str
    port: int

    @property
    def authority(self) -> str:
        """`ip:port`, IPv6 in brackets."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class HttpRequest(NamedTuple):
    """What to request and what to accept.

    An empty `statuses` follows redirects within the anchor and accepts 200 to 399, as kubelet does.
    """

    https: bool
    path: str
    headers: dict[str, str]
    statuses: frozenset[int]
    body: re.Pattern[str] | None


def check_tcp(endpoint: Endpoint, timeout_s: float) -> Look:
    """Connect, and hang up."""
    what = f"TCP connection to {endpoint.authority}"
    try:
        _connect(endpoint, Deadline(timeout_s)).close()
    except (OSError, LauncherError) as error:
        return _failed(what, error, timeout_s)
    return Look(True, f"{what}: accepted")


def check_http(endpoint: Endpoint, request: HttpRequest, timeout_s: float) -> Look:
    """Send one GET and judge status and body. Certificates are not verified, as kubelet's own probes do not."""
    # Only with an HTTP check: it costs milliseconds of every start.
    from mooring_launcher.gate.http import BODY_LIMIT, READ_LIMIT, Origin, Question, get

    what = f"GET {'https' if request.https else 'http'}://{endpoint.authority}{request.path}"
    deadline = Deadline(timeout_s)

    def connect(port: int) -> socket.socket:
        return _connect(endpoint._replace(port=port), deadline)

    try:
        limit = BODY_LIMIT if request.body else READ_LIMIT
        question = Question(request.path, request.headers, not request.statuses, limit)
        response = get(connect, Origin(request.https, endpoint.ip, endpoint.port), question, deadline)
        return _judge(what, request, response, deadline)
    except (OSError, ValueError, LauncherError) as error:
        return _failed(what, error, timeout_s)


def check_command(target: Target, command: list[str], timeout_s: float) -> Look:
    """Run a command beside the target; good when it exits 0 in time."""
    try:
        result = target.run_command(command, timeout_s)
    except LauncherError as error:
        return blind_look(error) if is_scarcity(error) else Look(False, f"command {error}")
    last_line = result.output.splitlines()[-1:]
    said = f": {last_line[0][:200]}" if last_line else ""
    if result.exit is None:
        return Look(False, f"command {command[0]} did not end within {timeout_s:g} s{said}")
    return Look(result.exit.code == 0, f"command {command[0]} {result.exit.sentence}{said}")


def _judge(what: str, request: HttpRequest, response: "Response", deadline: Deadline) -> Look:
    wanted = request.statuses or range(200, 400)
    if response.status not in wanted:
        allowed = ", ".join(map(str, sorted(request.statuses))) or "200 to 399"
        return Look(False, f"{what}: status {response.status}, wanted {allowed}")
    if request.body and not _matches(request.body, response.body, deadline.left_s()):
        return Look(False, f"{what}: status {response.status}, body does not match {request.body.pattern!r}")
    return Look(True, f"{what}: status {response.status}")


def _matches(pattern: re.Pattern[str], text: str, limit_s: float) -> bool:
    from mooring_launcher.gate.match import matches  # as above

    return matches(pattern, text, limit_s)


def _failed(what: str, error: Exception, timeout_s: float) -> Look:
    return blind_look(error) if is_scarcity(error) else Look(False, f"{what}: {_reason(error, timeout_s)}")


def _reason(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _connect(endpoint: Endpoint, deadline: Deadline) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.ip else socket.AF_INET
    sock = endpoint.inside.run(lambda: socket.socket(family, socket.SOCK_STREAM))
    try:
        sock.settimeout(deadline.left_s())
        sock.connect((endpoint.ip, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return sock
