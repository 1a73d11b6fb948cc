"""The values of the health gate: what must hold before a replica is ready."""

from __future__ import annotations

from collections.abc import Mapping

from mooring.model.nodes import Int, IntOrStr, ListOf, MapOf, Node, Num, Obj, Str, StringMap
from mooring.model.values.kubernetes import PORT_NAME

CHECK_NAME = r"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$"


def _range(doc: str, unit: str, low: str = "min", high: str = "max") -> Obj:
    return Obj(
        doc=doc,
        fields={
            low: Int(doc=f"Fewest {unit}; null: no limit.", default=None, minimum=0),
            high: Int(doc=f"Most {unit}; null: no limit.", default=None, minimum=0),
        },
    )


def _timing() -> dict[str, Node]:
    return {
        "periodSeconds": Num(doc="Seconds between checks; null: gate.periodSeconds.", default=None, minimum=0.1),
        "timeoutSeconds": Num(doc="Seconds one check may take.", default=2, minimum=0.1, maximum=300),
        "successThreshold": Int(
            doc="Consecutive successes until it holds; null: gate.successThreshold.", default=None, minimum=1
        ),
        "failureThreshold": Int(
            doc="Consecutive failures until it no longer holds; null: gate.failureThreshold.",
            default=None,
            minimum=1,
        ),
    }


def _checks(doc: str, what: str, required: tuple[str, ...], fields: Mapping[str, Node]) -> MapOf:
    return MapOf(doc=doc, key_pattern=CHECK_NAME, item=Obj(doc=what, required=required, fields={**fields, **_timing()}))


def _port() -> IntOrStr:
    return IntOrStr(
        doc="A port's number, or its name in target.ports.",
        default=None,
        minimum=1,
        maximum=65535,
        pattern=PORT_NAME,
    )


GATE = Obj(
    doc="The health gate: every condition that is set must hold before the replica is ready, and while it is.",
    fields={
        "startTimeoutSeconds": Int(
            doc="Seconds from the program's start until the gate must have held once; then the launcher stops it and logs "
            "which condition failed.",
            default=300,
            minimum=1,
            maximum=86400,
        ),
        "periodSeconds": Num(
            doc="Seconds between checks of the program once it is ready.",
            default=1,
            minimum=0.1,
            maximum=300,
        ),
        "successThreshold": Int(
            doc="Consecutive successes until a condition holds.", default=1, minimum=1, maximum=1000
        ),
        "failureThreshold": Int(
            doc="Consecutive failures until a condition no longer holds.", default=3, minimum=1, maximum=1000
        ),
        "onUnhealthy": Str(
            doc="What happens when a ready program's gate no longer holds: it only becomes unready (unready), or it is stopped and "
            "started again (restart).",
            default="unready",
            enum=("unready", "restart"),
        ),
        "minUptimeSeconds": Num(doc="Seconds the program must have been running.", default=0, minimum=0, maximum=86400),
        "ports": MapOf(
            doc="Every port in target.ports must have a listener. This sets how strictly, by port name.",
            key_pattern=PORT_NAME,
            item=Obj(
                doc="One port of target.ports.",
                fields={
                    "owner": Str(
                        doc="Who must own the listener: a process of the program (tree) or anyone in the compartment (any, "
                        "e.g. for HTTP.sys, which listens as the System process).",
                        default="tree",
                        enum=("tree", "any"),
                    )
                },
            ),
        ),
        "cpu": Obj(
            doc="After the start, CPU use must once settle below a share of one core for some seconds. Needs psutil.",
            fields={
                "maxPercent": Num(doc="Percent of one core; null: not checked.", default=None, minimum=0.1),
                "settleSeconds": Num(doc="For how many seconds.", default=5, minimum=0.5, maximum=3600),
            },
        ),
        "memory": _range(
            "Resident memory of the program's processes together. Needs psutil.", "MiB", "minMiB", "maxMiB"
        ),
        "handles": _range(
            "Open handles (on Linux file descriptors) of its processes together. Needs psutil.", "handles"
        ),
        "threads": _range("Threads of its processes together. Needs psutil.", "threads"),
        "processes": MapOf(
            doc="Processes that must exist among the program's descendants. Needs psutil.",
            key_pattern=CHECK_NAME,
            item=Obj(
                doc="One kind of process.",
                required=("name",),
                fields={
                    "name": Str(doc="Name of its program file, e.g. worker.exe."),
                    "min": Int(doc="How many, at least.", default=1, minimum=1, maximum=10000),
                },
            ),
        ),
        "http": _checks(
            "HTTP requests made inside the compartment, by name.",
            "One request.",
            ("port",),
            {
                "port": _port(),
                "scheme": Str(
                    doc="With https certificates are not verified, as with kubelet's own probes, and TLS 1.0 or later is accepted.",
                    default="http",
                    enum=("http", "https"),
                ),
                "path": Str(
                    doc="Path and query; spaces and the like are percent-encoded.",
                    default="/",
                    pattern=r"^/[^\x00-\x1f\x7f-\x9f]*$",
                ),
                "host": Str(doc="Host header; empty: the anchor's IP."),
                "headers": StringMap(doc="Additional headers."),
                "status": ListOf(
                    doc="Accepted status codes; empty: 200 to 399, after redirects within the anchor.",
                    item=Int(doc="A status code.", default=None, minimum=100, maximum=599),
                ),
                "bodyMatches": Str(
                    doc="Regular expression (Python's) the first 64 KiB of the body must contain; empty: any. An expression with *, +, ? or { costs a process each time."
                ),
            },
        ),
        "tcp": _checks(
            "TCP connections made inside the compartment, by name.",
            "One connection.",
            ("port",),
            {"port": _port()},
        ),
        "exec": _checks(
            "Commands run inside the compartment that must exit 0, by name.",
            "One command.",
            ("command",),
            {"command": ListOf(doc="The program's full path and its arguments.", item=Str(doc="One word."))},
        ),
    },
)
