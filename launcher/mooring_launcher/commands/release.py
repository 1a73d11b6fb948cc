"""The command `check-release`, which `helm test` runs: every replica on its own IP, and the Service over all.

It reads by name what the API says now (the set's replicas, each anchor's IP, the Service's), so that it checks as many
replicas as there are, whoever scaled them, and needs no cluster DNS.
"""

import http.client
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from mooring_launcher.cluster.answers import Object
from mooring_launcher.cluster.api import ApiClient, ApiError
from mooring_launcher.cluster.resources import Resource, pod, stateful_set
from mooring_launcher.config import load_config
from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.trust import check_files
from mooring_launcher.replica import Setup, config_path, inputs, make_setup

_ANSWER_TIMEOUT_S = 5.0
_PAUSE_S = 0.5


class Check(NamedTuple):
    """One check: its name, and a function that returns (whether it passed, what was seen)."""

    name: str
    look: Callable[[], tuple[bool, str]]


def check_release(environ: Mapping[str, str], patience_s: float, service: str, tell: Callable[[str], None]) -> int:
    """Print a line for each replica and for the Service (if it has a name); return 0 if all checks pass, else 1.

    A failed check is repeated until `patience_s` seconds after the start.
    """
    deadline_s = time.monotonic() + patience_s
    try:
        well = [_await(check, deadline_s, tell) for check in _checks(environ, service, tell)]
    except LauncherError as error:
        tell(f"FAILED: {error}")
        return 1
    tell(f"{sum(well)} of {len(well)} checks passed")
    return 0 if all(well) else 1


def _checks(environ: Mapping[str, str], service: str, tell: Callable[[str], None]) -> Iterator[Check]:
    check_files(inputs(environ))
    client = ApiClient.in_cluster(environ)
    config = load_config(config_path(environ))
    namespace = environ.get("POD_NAMESPACE", "")
    launchers = stateful_set(namespace, config["launcherSet"])
    found = client.get(launchers)
    if found is None:
        yield Check(str(launchers), lambda: (False, "does not exist"))
        return
    _belong_to(found, client, environ, tell)
    start, replicas = config["ordinals"]["start"], found["spec"].get("replicas", 1)
    for ordinal in range(start, start + replicas):
        setup = make_setup(environ, "", ordinal)
        yield Check(f"replica {ordinal}", lambda setup=setup: _look_at_replica(client, setup))  # type: ignore[misc]
    if service and replicas:
        address = Resource("/api/v1", namespace, "services", service)
        yield Check(f"Service {service}", lambda: _look_at_service(client, address))


def _belong_to(owner: Object, client: ApiClient, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Make the set the owner of the test's pod, so that it is deleted with the release.

    Helm deletes no test's pod with its release, nor may it right after the test: `helm test --logs` reads it then.
    An owner that is not a controller changes nothing else. Where the API refuses it (on OpenShift an admission plugin
    lets only those set an owner who may delete it), the pod stays until it is deleted by hand, and a line says so.
    """
    name = environ.get("POD_NAME", "")
    if not name:
        return
    reference = {key: owner.get(key) for key in ("apiVersion", "kind")} | {
        key: owner["metadata"][key] for key in ("name", "uid")
    }
    try:
        client.patch(pod(environ.get("POD_NAMESPACE", ""), name), {"metadata": {"ownerReferences": [reference]}})
    except ApiError as error:
        tell(f"note: pod {name} outlives the release: {error}")


def _await(check: Check, deadline_s: float, tell: Callable[[str], None]) -> bool:
    """Check until it passes or the time is up, and print what was seen last."""
    while True:
        try:
            well, seen = check.look()
        except ApiError as error:
            well, seen = False, str(error)
        if well or time.monotonic() > deadline_s:
            tell(f"{check.name}: {seen}" if well else f"{check.name}: FAILED: {seen}")
            return well
        time.sleep(_PAUSE_S)


def _look_at_replica(client: ApiClient, setup: Setup) -> tuple[bool, str]:
    """Probe a replica as kubelet and as a client do: /readyz, then a connection to each TCP port of the program."""
    name = setup.me.anchor_name
    ip = _ip(client.get(pod(setup.me.namespace, name)))
    if not ip:
        return False, f"its anchor {name} has no IP yet"
    problem = _ask_readyz(ip, setup.config["readiness"]["port"])
    ports = _tcp_ports(setup.config["target"]["ports"])
    problem = problem or _connect_all(ip, ports)
    return not problem, problem or f"ready on {ip}{_listing(ports)}"


def _look_at_service(client: ApiClient, address: Resource) -> tuple[bool, str]:
    found = client.get(address)
    if found is None:
        return False, "does not exist"
    ip = str(found["spec"].get("clusterIP", ""))
    ports = _tcp_ports({port.get("name", ""): port for port in found["spec"].get("ports", [])})
    if ip in ("", "None"):
        return True, "has no IP of its own, nothing to check"
    problem = _connect_all(ip, ports)
    return not problem, problem or f"accepts on {ip}{_listing(ports)}"


def _ip(found: Object | None) -> str:
    return str((found or {}).get("status", {}).get("podIP", ""))


def _tcp_ports(ports: Mapping[str, Mapping[str, object]]) -> dict[str, int]:
    """Return each TCP port by its name; whether a UDP port listens cannot be seen from outside."""
    return {name: int(str(port["port"])) for name, port in ports.items() if port.get("protocol", "TCP") == "TCP"}


def _listing(ports: Mapping[str, int]) -> str:
    return "".join(f", {name} {number}" for name, number in ports.items())


def _ask_readyz(ip: str, port: int) -> str:
    """Return what is wrong with the answer, or nothing."""
    connection = http.client.HTTPConnection(ip, port, timeout=_ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = " ".join(answer.read(4096).decode("utf-8", "replace").split())
    except (OSError, http.client.HTTPException) as error:
        return f"/readyz on {ip}:{port}: {_reason(error)}"
    finally:
        connection.close()
    return "" if answer.status == 200 else f"/readyz on {ip}:{port}: {answer.status} {said}"


def _connect_all(ip: str, ports: Mapping[str, int]) -> str:
    """Return the first port that accepts no connection, or nothing."""
    for name, port in ports.items():
        try:
            socket.create_connection((ip, port), _ANSWER_TIMEOUT_S).close()
        except OSError as error:
            return f"port {name} on {ip}:{port}: {_reason(error)}"
    return ""


def _reason(error: Exception) -> str:
    code = getattr(error, "errno", None)
    return os.strerror(code) if code else str(error) or type(error).__name__
