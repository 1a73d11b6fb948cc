"""How the program is stopped, and the readiness endpoint."""

from __future__ import annotations

from mooring.model.nodes import Int, ListOf, Obj, Str

DRAIN_MARGIN_S = 5
"""How much longer a drain must last than kubelet takes to see the pair unready."""

STOP = Obj(
    doc="How the program is stopped: unready, drain, then rung after rung until it has ended.",
    fields={
        "drainSeconds": Int(
            doc="Seconds between becoming unready and the first rung, so that no more traffic arrives. At least "
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
            doc="Seconds for the program to end after that command.", default=30, minimum=0, maximum=86400
        ),
        "consoleEvent": Str(
            doc="Second rung on Windows: the console event sent to the program.",
            default="ctrlC",
            enum=("ctrlC", "ctrlBreak", "none"),
        ),
        "consoleSeconds": Int(
            doc="Seconds for the program to end after the console event; on Linux, after SIGTERM.",
            default=30,
            minimum=0,
            maximum=86400,
        ),
        "windowSeconds": Int(
            doc="Third rung on Windows: seconds for the program to end after WM_CLOSE to its windows; 0: skip this rung.",
            default=10,
            minimum=0,
            maximum=86400,
        ),
    },
)

READINESS = Obj(
    doc="The launcher's health endpoint on the anchor's IP, and how kubelet probes it.",
    fields={
        "port": Int(
            doc="Port of /readyz, /livez, /hold, /metrics and /status.",
            default=8091,
            minimum=1,
            maximum=65535,
        ),
        "periodSeconds": Int(doc="Seconds between probes.", default=5, minimum=1, maximum=3600),
        "failureThreshold": Int(
            doc="Consecutive failures after which the pair is unready.", default=3, minimum=1, maximum=100
        ),
    },
)
