"""The pages that the server shows: /readyz, /livez, /status and /metrics."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mooring_launcher.gate.conditions import Condition
from mooring_launcher.health.metrics import CONTENT_TYPE, Metrics, render_metrics

_TEXT = "text/plain; charset=utf-8"
_PHRASES = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"} | {
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_PUBLIC = ("app", "ordinal", "ready")


class View(NamedTuple):
    """The launcher's state at this moment. `reason` says why it is not ready.

    Only the node sees all of it. Others get names and states: `brief` for the reason, of `status` what `_PUBLIC`
    lists.
    """

    ready: bool
    live: bool
    reason: str
    conditions: Sequence[Condition]
    status: dict[str, Any]
    brief: str
    why_not_live: str = ""


class Answer(NamedTuple):
    """What a request is answered with."""

    code: int
    body: str
    content_type: str = _TEXT

    def encode(self, head_only: bool) -> bytes:
        """Return the response in HTTP/1.1, which ends the connection; without its body for HEAD."""
        body = self.body.encode("utf-8", "replace")  # JSON from elsewhere may hold half a surrogate pair
        head = (
            f"HTTP/1.1 {self.code} {_PHRASES[self.code]}\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + (b"" if head_only else body)


class Pages:
    """Makes each page from the launcher's state at the moment of the request."""

    def __init__(self, view: Callable[[], View], metrics: Callable[[], Metrics]) -> None:
        self._view = view
        self._metrics = metrics

    def look_up(self, path: str, in_full: bool) -> Answer:
        """Return a page, in full for the node only. One that fails is an answer too."""
        pages: dict[str, Callable[[], Answer]] = {
            "/readyz": lambda: self._readyz(in_full),
            "/livez": self._livez,
            "/status": lambda: self._status(in_full),
            "/metrics": self._render,
        }
        page = pages.get(path)
        if page is None:
            return Answer(404, f"{' '.join([*pages, '/hold'])}\n")
        try:
            return page()
        except Exception as error:  # noqa: BLE001 - a page that fails must not end the thread that serves the others
            return Answer(500, f"{type(error).__name__}{f': {error}' if in_full else ''}\n")

    def _readyz(self, in_full: bool) -> Answer:
        view = self._view()
        lines = ["ready" if view.ready else f"not ready: {view.reason if in_full else view.brief}"]
        lines += [f"[{'+' if c.holds else '-'}] {c.name}{f': {c.value}' if in_full else ''}" for c in view.conditions]
        return Answer(200 if view.ready else 503, "\n".join([*lines, ""]))

    def _livez(self) -> Answer:
        view = self._view()
        return Answer(200, "live\n") if view.live else Answer(503, f"{view.why_not_live}\n")

    def _status(self, in_full: bool) -> Answer:
        view = self._view()
        status = view.status
        if not in_full:
            status = {key: value for key, value in status.items() if key in _PUBLIC}
            status["reason"] = "" if view.ready else view.brief
            status["conditions"] = [{"name": c.name, "holds": c.holds} for c in view.conditions]
            status["more"] = "in the launcher's log, and here for requests from the node"
        return Answer(200, json.dumps(status, indent=1) + "\n", "application/json")

    def _render(self) -> Answer:
        return Answer(200, render_metrics(self._metrics()), CONTENT_TYPE)
