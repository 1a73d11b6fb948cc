"""How the program is stopped, and how its readiness is published."""

from __future__ import annotations

from mooring.model.nodes import Int, ListOf, Obj, Str

DRAIN_MARGIN_S = 5
"""What a drain takes beyond the time until the pair is seen to be unready."""

STOP = Obj(
    doc="How the program is stopped: not ready, drain, then rung after rung until it has ended.",
    fields={
        "drainSeconds": Int(
            doc="Seconds between turning unready and the first rung, so that no client is sent here any more. At least "
            f"readiness.periodSeconds x readiness.failureThreshold + {DRAIN_MARGIN_S}.",
            default=20,
            minimum=0,
            maximum=86400,
        ),
        "command": ListOf(
            doc="First rung: a command that asks the program to stop, run inside its compartment; empty: none.",
            item=Str(doc="One word of the command."),
        ),
        "commandSeconds": Int(
            doc="Seconds the program has to end after that command.", default=30, minimum=0, maximum=86400
        ),
        "consoleEvent": Str(
            doc="Second rung on Windows: the console event sent to the program.",
            default="ctrlC",
            enum=("ctrlC", "ctrlBreak", "none"),
        ),
        "consoleSeconds": Int(
            doc="Seconds the program has to end after the console event; on Linux after SIGTERM.",
            default=30,
            minimum=0,
            maximum=86400,
        ),
        "windowSeconds": Int(
            doc="Third rung on Windows: seconds the program has to end after WM_CLOSE to its windows; 0: no such rung.",
            default=10,
            minimum=0,
            maximum=86400,
        ),
    },
)

READINESS = Obj(
    doc="The launcher's health endpoint on the anchor's IP, and how kubelet asks it.",
    fields={
        "port": Int(
            doc="Port of /readyz, /livez, /hold, /metrics and /status.",
            default=8091,
            minimum=1,
            maximum=65535,
        ),
        "periodSeconds": Int(doc="Seconds between two questions.", default=5, minimum=1, maximum=3600),
        "failureThreshold": Int(doc="Failures in a row that turn the pair unready.", default=3, minimum=1, maximum=100),
    },
)
