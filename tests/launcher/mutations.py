"""Answers and streams that no API server would send, drawn by a generator with a fixed seed.

None of them is evidence of anything: what a well-formed pod of the right name says, or the API's own NotFound, is left
out.
"""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from mooring.rehearse.wire import Response

Pod = dict[str, Any]

_JUNK: tuple[Any, ...] = (None, [], {}, 0, -1, 1.5, True, "", "x", "\ud800", [[]], {"a": None}, "\0", 10**30, ["x"])
_STATUSES = (101, 202, 204, 206, 301, 302, 304, 307, 400, 403, 404, 405, 406, 409, 418, 429, 500, 502, 504)
_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


class Mutator:
    """Draws one answer after the other for a pod that exists."""

    def __init__(self, seed: int, pod: Pod) -> None:
        self._random = random.Random(seed)
        self._pod = pod

    def answer(self) -> Response:
        """Return an answer to a GET."""
        return self._pick(self._object, self._object, self._bytes, self._refused, self._garbage)()

    def stream(self) -> Response:
        """Return an answer to a WATCH: lines, at least one of which makes no sense, or no lines at all."""
        return self._pick(self._events, self._events, self._events, self._refused, self._garbage, self._cut)()

    def _pick(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def _object(self) -> Response:
        return Response(body=json.dumps(self._mutated()))

    def _mutated(self) -> Any:
        """Break the pod in one place, so that it is no longer a valid pod."""
        pod = copy.deepcopy(self._pod)
        metadata = pod["metadata"]
        breaks: list[Callable[[], Any]] = [
            lambda: self._pick(*_JUNK),
            dict,
            lambda: {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound"},
            lambda: {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [pod]},
            lambda: [pod],
            lambda: pod | {"kind": self._pick("Status", "Node", "pod", None, 1)},
            lambda: pod | {self._pick("metadata", "spec", "status"): self._pick(*_JUNK)},
            lambda: {key: value for key, value in pod.items() if key != self._pick_of(("metadata", "spec", "status"))},
            lambda: pod | {"metadata": metadata | {"name": self._pick("other", "orders-anchor-00", "", *_JUNK)}},
            lambda: pod | {"metadata": metadata | {"namespace": self._pick("other", "", *_JUNK)}},
            lambda: pod | {"metadata": metadata | {"uid": self._pick(None, [], {}, 0, "", True)}},
            lambda: pod | {"metadata": metadata | {"deletionTimestamp": self._pick(None, [], {}, 0, True)}},
            lambda: pod | {"metadata": metadata | {"labels": self._pick(None, [], 0, "x")}},
            lambda: pod | {"spec": pod["spec"] | {"containers": self._pick(*_JUNK)}},
            lambda: pod | {"status": pod["status"] | {"podIP": self._pick("x", "1.2.3", [], None, 0, "\ud800", "::x")}},
            lambda: pod | {"status": pod["status"] | {"conditions": self._pick(None, {}, 0, "x", ["x"], [None])}},
            lambda: pod | {"status": pod["status"] | {"containerStatuses": self._pick(None, {}, 0, "x", [[]], [None])}},
            lambda: pod | {"status": pod["status"] | {"phase": self._pick(None, [], {}, 0, True)}},
        ]
        broken = self._pick_of(breaks)()
        return {} if broken == pod else broken

    def _pick_of(self, choices: Any) -> Any:
        return self._random.choice(list(choices))

    def _bytes(self) -> Response:
        """Break the pod's text: cut off, invalid, nested, or with numbers and names that no parser likes."""
        text = json.dumps(self._pod).encode()
        at = self._random.randrange(1, len(text) - 1)
        deep = self._random.randrange(200, 100_000)
        return Response(
            body=self._pick(
                text[:at],
                text[:at] + b"\xff\xfe" + text[at:],
                text + text,
                text[:-1] + b',"x":' + b"[" * deep,
                text[:-1] + b',"x":' + b"[" * deep + b"]" * deep + b"}",
                text[:-1] + b',"x":' + b'{"a":' * deep + b"1" + b"}" * deep + b"}",
                b'{"metadata": ' + b"9" * 5000 + b"}",
                b"\xef\xbb\xbf" + text,
                json.dumps(self._pod).encode("utf-16"),
                b"<html>It works!</html>",
                b"\0" * at,
                b"nul",
                b"",
            )
        )

    def _refused(self) -> Response:
        body = self._pick(
            b"",
            b"<html>404 page not found</html>",
            b"\xff" * 70_000,
            b"[" * 50_000,
            b"[]",
            b"null",
            b'{"message": {"a": []}, "code": "404"}',
            b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","details":{},"code":404}',
            b'{"kind":"Status","status":"Failure","reason":"NotFound","details":{"name":"x","kind":"pods"},"code":404}',
        )
        headers = {"Location": "/", "Retry-After": self._pick("\xb2", "x", "-1", "0", "Wed, 21 Oct 2015 07:28:00 GMT")}
        return Response(self._pick(*_STATUSES), headers, body)

    def _garbage(self) -> Response:
        """Return something that is barely HTTP."""
        size = self._pick(b"-1", b"zz", b"FFFFFFFFFFFFFFFFFF", b"", b"0x5", b"5;x" + b"y" * 70_000)
        length = self._pick(b"-1", b"x", b"99999999999999999999", b"2")
        return Response.raw(
            [
                self._pick(
                    b"",
                    b"\r\n",
                    b"SSH-2.0-x\r\n",
                    b"HTTP/1.1 \xff OK\r\n\r\n",
                    b"HTTP/9.9 200 OK\r\n\r\n{}",
                    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n{}",
                    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
                    b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
                    b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n{}",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + self._pick(b"gzip", b"chunked, x") + b"\r\n\r\n{}",
                    _CHUNKED + size + b"\r\n{}\r\n",
                    bytes(self._random.randrange(256) for _ in range(300)),
                )
            ]
        )

    def _events(self) -> Response:
        good = json.dumps({"type": "MODIFIED", "object": self._pod}).encode() + b"\n"
        lines = [good] * self._random.randrange(3) + [self._event()]
        return Response(body=b"".join(lines))

    def _event(self) -> bytes:
        deep = self._random.randrange(200, 100_000)
        event: Any = self._pick(
            {"type": self._pick("MODIFIED", "ADDED", "DELETED"), "object": self._mutated()},
            {"type": "MODIFIED"},
            {"object": self._pod},
            {"type": self._pick("GONE", "", None, [], {}, 0), "object": self._pod},
            {
                "type": "BOOKMARK",
                "object": self._pick({}, {"metadata": {}}, {"metadata": {"resourceVersion": 5}}, None),
            },
            {
                "type": "ERROR",
                "object": {"code": self._pick(410, "410", None, 1e999, [], True), "message": self._pick(*_JUNK)},
            },
            {"type": "ERROR", "object": self._pick(*_JUNK)},
            self._pick(*_JUNK),
        )
        text = json.dumps(event).encode()
        return bytes(
            self._pick(
                *[text + b"\n"] * 6,
                text,
                text[: len(text) // 2] + b"\n",
                text.replace(b'"', b"\xff") + b"\n",
                b'{"type":"MODIFIED","object":' + b"[" * deep + b"]" * deep + b"}\n",
                b"\n",
            )
        )

    def _cut(self) -> Response:
        """Break off a chunked stream, inside a chunk or between two."""
        line = json.dumps({"type": "MODIFIED", "object": self._pod}).encode() + b"\n"
        chunk = b"%x\r\n%s\r\n" % (len(line), line)
        return Response.raw([_CHUNKED, chunk, chunk[: self._random.randrange(len(chunk))]])
