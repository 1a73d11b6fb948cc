"""Turn probes into conditions of the health gate, with the times that kubelet takes where a probe says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mooring.importing.manifests import Fields, Object, dig
from mooring.importing.model import default, fit, refusal
from mooring.model.rules.paths import is_absolute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mooring.importing.programs.convert import Converted

_KINDS = {"readinessProbe": "readiness", "livenessProbe": "liveness", "startupProbe": "startup"}
_KUBELET = {"periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}
"""What kubelet takes for a time or number that is absent or 0 (Kubernetes API, Probe)."""
_ANCHOR = "anchor"
"""The check's name that is made of an anchor's readiness probe."""


class _Check(NamedTuple):
    """A check of the gate: its kind there, what it asks, and how often."""

    kind: str
    asks: Object
    timing: Object


def convert_probes(made: Converted, container: Fields) -> None:
    """Make a check of the readiness probe, and of the others what the gate has for them. Raises InputError."""
    delays = [
        _whole_number(dig(container.value, key, "initialDelaySeconds")) for key in ("readinessProbe", "livenessProbe")
    ]
    checks: dict[str, _Check] = {}
    for key, name in _KINDS.items():
        if isinstance(container.value.get(key), dict):
            probe = container.child(key)
            check = _convert(made, probe, name, made.ports(of_launcher=True))
            if check is not None:
                checks[name] = check
            _tell_role(made, probe, name, checks)
    if "startTimeoutSeconds" not in made.values.get("gate", {}) and max(delays):
        start = fit(max(delays) + default("gate", "startTimeoutSeconds"), "gate", "startTimeoutSeconds")
        made.put(start, "gate", "startTimeoutSeconds")
    _put_checks(made, checks)


def convert_anchor_probe(made: Converted, container: Fields) -> None:
    """Make a check of an anchor's readiness probe, which asks the program on the anchor's IP."""
    if not isinstance(container.value.get("readinessProbe"), dict):
        return
    probe = container.child("readinessProbe")
    if isinstance(probe.value.get("exec"), dict):
        _leave(made, probe, "its command ran in the anchor's container, which has nothing but a program that waits")
        return
    check = _convert(made, probe, "readiness", made.ports(of_launcher=False))
    if check is not None:
        made.note(probe.place(), "the anchor's readiness probe is a check of the gate now")
        made.put({**check.asks, **check.timing}, "gate", check.kind, _ANCHOR)


def _put_checks(made: Converted, checks: Mapping[str, _Check]) -> None:
    """Put each check once; a startup probe is asked until it holds, so where there is a readiness check it is gone."""
    for name, check in checks.items():
        value = {**check.asks, **check.timing}
        if name == "startup" and "readiness" in checks:
            continue
        if value not in (dig(made.values, "gate", check.kind) or {}).values():
            made.put(value, "gate", check.kind, name)


def _tell_role(made: Converted, probe: Fields, name: str, checks: Mapping[str, _Check]) -> None:
    """Tell what a failing probe did, where the gate does something else."""
    check, readiness = checks.get(name), checks.get("readiness")
    if check is None:
        return
    if name == "readiness":
        ask, failures = default("readiness", "periodSeconds"), default("readiness", "failureThreshold")
        text = (
            f"the launcher asks what the readiness probe asked; kubelet asks the launcher every {ask} s, and an anchor "
            f"is unready after {failures} bad answers in a row"
        )
        made.note(probe.place(), text)
    elif name == "liveness":
        text = (
            "a liveness probe that fails restarts the container; this check turns the replica unready. "
            "For a restart as well set gate.onUnhealthy: restart, which goes for all conditions of the gate"
        )
        made.change(probe.place(), text)
    elif readiness is None:
        text = "a startup probe is asked until it holds once; this check goes on, and turns the replica unready"
        made.change(probe.place(), text)
    else:
        is_asked = readiness.asks == check.asks
        text = "the startup probe is gone: the gate waits for the readiness check, and no less"
        (made.note if is_asked else made.change)(probe.place(), text)


def _convert(made: Converted, probe: Fields, name: str, ports: Mapping[str, int]) -> _Check | None:
    """Take a probe; one that the gate has no check for is left over as a whole. Raises InputError."""
    found = _find_question(made, probe, ports)
    if found is None:
        if name == "startup":
            _take_start(made, probe)
        return None
    kind, asks = found
    if name == "startup":
        _take_start(made, probe)
    elif probe.value.get("initialDelaySeconds"):
        made.note(
            probe.place("initialDelaySeconds"),
            "the gate starts closed and asks at once, so an initialDelaySeconds is time to start: "
            "gate.startTimeoutSeconds is longer by it",
        )
    probe.drop(("initialDelaySeconds",))
    grace = probe.take("terminationGracePeriodSeconds")
    if grace is not None:
        why = "a program is stopped by the rungs of stop, whatever the reason"
        made.leftovers.append(probe.leftover(grace, why, "terminationGracePeriodSeconds"))
    return _Check(kind, asks, _take_timing(made, probe, kind, name))


def _take_start(made: Converted, probe: Fields) -> None:
    """Give the gate as long as the probe gave the program."""
    period, failures = (
        _whole_number(probe.value.get(key)) or _KUBELET[key] for key in ("periodSeconds", "failureThreshold")
    )
    delay = _whole_number(probe.value.get("initialDelaySeconds"))
    start = delay + period * failures
    fitting = fit(start, "gate", "startTimeoutSeconds")
    if fitting != start:
        made.change(probe.place(), f"the program had {start} s to start; gate.startTimeoutSeconds is {fitting}")
    made.put(fitting, "gate", "startTimeoutSeconds")


def _whole_number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _take_timing(made: Converted, probe: Fields, kind: str, name: str) -> Object:
    """Take how often a probe asks, with kubelet's defaults: the gate has others. Raises InputError."""
    timing: Object = {}
    absent = []
    for key, usual in _KUBELET.items():
        given = probe.number(key)
        value = given or usual
        if not given:
            absent.append(f"{key} {usual}")
        if key == "failureThreshold" and name == "startup":
            continue  # it is in gate.startTimeoutSeconds
        path = ("gate", kind, name, key)
        fitting = fit(value, *path) if value > 0 else value
        wrong = refusal(fitting, *path)
        if wrong:
            probe.refuse(wrong, key)
        if fitting != value:
            made.change(probe.place(key), f"a check may have {key} {fitting}, not {value}")
        if fitting != default(*path):
            timing[key] = fitting
    if absent:
        text = f"where the {name} probe says nothing, what kubelet takes is kept: {', '.join(absent)}"
        made.note(probe.place(), text)
    return timing


def _find_question(made: Converted, probe: Fields, ports: Mapping[str, int]) -> tuple[str, Object] | None:
    """Return the gate's kind of check and what it asks; None, with the reason told, where the gate has none."""
    http, tcp, command = (probe.value.get(key) for key in ("httpGet", "tcpSocket", "exec"))
    if isinstance(http, dict):
        return "http", _read_http(made, probe.child("httpGet"), ports)
    if isinstance(tcp, dict):
        fields = probe.child("tcpSocket")
        port = _port(fields, ports)
        _drop_host(made, fields)
        return "tcp", {"port": port}
    words = dig(command, "command")
    if isinstance(words, list) and words and is_absolute(str(words[0]), "windows"):
        made.note(probe.place(), "the command runs inside the compartment now, as the program does")
        return "exec", {"command": probe.child("exec").texts("command")}
    if isinstance(probe.value.get("grpc"), dict):
        why = "the gate has no check of gRPC; gate.tcp asks whether the port takes connections, gate.exec runs a client"
    elif isinstance(command, dict):
        why = "gate.exec starts a program by its full path"
    else:
        why = "the gate has no such check"
    _leave(made, probe, why)
    return None


def _leave(made: Converted, probe: Fields, why: str) -> None:
    """Leave a probe over as a whole, with its times."""
    made.leftovers.append(probe.leftover(probe.value, why))
    for key in probe.value:
        probe.take(key)


def _read_http(made: Converted, http: Fields, ports: Mapping[str, int]) -> Object:
    check: Object = {"port": _port(http, ports)}
    _drop_host(made, http)
    scheme, path = http.text("scheme").upper(), http.text("path")
    if scheme not in ("", "HTTP", "HTTPS"):
        http.refuse(f"found {scheme!r}; must be HTTP or HTTPS", "scheme")
    if scheme == "HTTPS":
        check["scheme"] = "https"
    if path not in ("", "/"):
        check["path"] = path if path.startswith("/") else f"/{path}"
    headers: dict[str, str] = {}
    for header in http.children("httpHeaders"):
        name, value = header.text("name"), header.text("value")
        if name.casefold() == "host" and "host" not in check:  # kubelet takes it in any case
            if value:
                check["host"] = value
        elif name.casefold() in map(str.casefold, headers):
            why = "a check sends each header once"
            made.leftovers.append(header.leftover(header.value, why))
        else:
            headers[name] = value
    return check | ({"headers": headers} if headers else {})


def _drop_host(made: Converted, fields: Fields) -> None:
    host = fields.text("host")
    if host:
        made.change(fields.place("host"), f"asked was {host}; the gate asks the replica itself, on its anchor's IP")


def _port(fields: Fields, ports: Mapping[str, int]) -> int:
    """Return the number of a probe's port. Raises InputError for one that nobody has."""
    value: Any = fields.take("port")
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    number = ports.get(value) if isinstance(value, str) else value
    if number is None:
        what = "no port" if value is None else f"the port named {value!r}, which no container of the pair has"
        fields.refuse(f"asks {what}; give its number", "port")
    wrong = refusal(number, "gate", "tcp", "", "port")
    if wrong:
        fields.refuse(wrong, "port")
    return int(number)
