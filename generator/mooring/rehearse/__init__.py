"""Run a rendered chart on this machine, without a cluster: real launchers, sockets, processes and Helm.

Each module stands in for one part of a cluster, and has that part's name; that is why there are more than ten. In
reading order:

- `console` is the command `mooring rehearse`, `demo` is `make demo` (with `sample_server` as its program)
- `rehearsal` starts and stops everything else; `manifest` is what Helm rendered
- the API server: `api` decides requests, `wire` is its HTTP and TLS, `store` its objects and their history
- the StatefulSet controller: `sets` creates pods, `pods` knows their fields
- kubelet: `node` starts a `worker` for each pod, an `anchor` or a `launcher`, with `probes`, `volumes` and `output`
- the container runtime and CNI: `container` starts a process in its own root, `network` makes the pods' namespaces
- Linux: `sandbox` makes the namespaces that all of it runs in, `ids` maps their users, `kernel` has the system calls

The launcher's tests use `api` and `wire` on their own, and every test that makes namespaces runs in `sandbox`.
"""

from collections.abc import Sequence
from pathlib import Path


def main(
    chart: Path,
    values: Sequence[Path] = (),
    sets: Sequence[str] = (),
    replicas: int | None = None,
    helm: str | None = None,
    logs: Path | None = None,
) -> int:
    """Rehearse a chart until Ctrl-C and return the exit status. Raises MooringError with a message for the user."""
    # Imported here: `mooring.rehearse.sandbox` and the launcher's tests do not need it.
    from mooring.rehearse.console import rehearse

    return rehearse(chart, values, sets, replicas, helm, logs)
