"""Turn probes into checks of the health gate; where a probe omits a time, kubelet's default is kept."""

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
"""Kubelet's default for a time or count that is absent or 0 (Kubernetes API, Probe)."""
_ANCHOR = "anchor"
"""Name of the check that an anchor's readiness probe becomes."""


class _Check(NamedTuple):
    """A check of the gate: its kind, what it probes, and how often."""

    kind: str
    request: Object
    timing: Object


def convert_probes(made: Converted, container: Fields) -> None:
    """Turn the readiness probe into a check, and the others into what the gate has for them. Raises InputError."""
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
            _report_role(made, probe, name, checks)
    if "startTimeoutSeconds" not in made.values.get("gate", {}) and max(delays):
        start = fit(max(delays) + default("gate", "startTimeoutSeconds"), "gate", "startTimeoutSeconds")
        made.put(start, "gate", "startTimeoutSeconds")
    _put_checks(made, checks)


def convert_anchor_probe(made: Converted, container: Fields) -> None:
    """Turn an anchor's readiness probe into a check, which probes the program on the anchor's IP."""
    if not isinstance(container.value.get("readinessProbe"), dict):
        return
    probe = container.child("readinessProbe")
    if isinstance(probe.value.get("exec"), dict):
        _leave(made, probe, "its command ran in the anchor's container, which only waits in an App")
        return
    check = _convert(made, probe, "readiness", made.ports(of_launcher=False))
    if check is not None:
        made.note(probe.place(), "the anchor's readiness probe is now a check of the gate")
        made.put({**check.request, **check.timing}, "gate", check.kind, _ANCHOR)


def _put_checks(made: Converted, checks: Mapping[str, _Check]) -> None:
    """Put each check once; drop the startup probe, which only runs until it succeeds, if there is a readiness check."""
    for name, check in checks.items():
        value = {**check.request, **check.timing}
        if name == "startup" and "readiness" in checks:
            continue
        if value not in (dig(made.values, "gate", check.kind) or {}).values():
            made.put(value, "gate", check.kind, name)


def _report_role(made: Converted, probe: Fields, name: str, checks: Mapping[str, _Check]) -> None:
    """Report what a failing probe did, where the gate does something different."""
    check, readiness = checks.get(name), checks.get("readiness")
    if check is None:
        return
    if name == "readiness":
        period, failures = default("readiness", "periodSeconds"), default("readiness", "failureThreshold")
        text = (
            f"the launcher now runs the readiness probe; kubelet probes the launcher every {period} s and marks the "
            f"anchor unready after {failures} failures in a row"
        )
        made.note(probe.place(), text)
    elif name == "liveness":
        text = (
            "a failing liveness probe restarted the container; this check makes the replica unready. "
            "To restart it as well, set gate.onUnhealthy: restart, which applies to every condition of the gate"
        )
        made.change(probe.place(), text)
    elif readiness is None:
        text = "a startup probe stops after its first success; this check continues, and makes the replica unready"
        made.change(probe.place(), text)
    else:
        is_same = readiness.request == check.request
        text = "the startup probe is dropped: the gate waits for the readiness check"
        (made.note if is_same else made.change)(probe.place(), text)


def _convert(made: Converted, probe: Fields, name: str, ports: Mapping[str, int]) -> _Check | None:
    """Take a probe; one without a matching check of the gate is left over as a whole. Raises InputError."""
    found = _find_request(made, probe, ports)
    if found is None:
        if name == "startup":
            _take_start(made, probe)
        return None
    kind, request = found
    if name == "startup":
        _take_start(made, probe)
    elif probe.value.get("initialDelaySeconds"):
        made.note(
            probe.place("initialDelaySeconds"),
            "the gate starts closed and probes immediately, so initialDelaySeconds counts as start-up time: "
            "it is added to gate.startTimeoutSeconds",
        )
    probe.drop(("initialDelaySeconds",))
    grace = probe.take("terminationGracePeriodSeconds")
    if grace is not None:
        why = "the rungs of stop end the program, whatever the reason"
        made.leftovers.append(probe.leftover(grace, why, "terminationGracePeriodSeconds"))
    return _Check(kind, request, _take_timing(made, probe, kind, name))


def _take_start(made: Converted, probe: Fields) -> None:
    """Give the gate as long as the startup probe gave the program."""
    period, failures = (
        _whole_number(probe.value.get(key)) or _KUBELET[key] for key in ("periodSeconds", "failureThreshold")
    )
    delay = _whole_number(probe.value.get("initialDelaySeconds"))
    start = delay + period * failures
    fitting = fit(start, "gate", "startTimeoutSeconds")
    if fitting != start:
        made.change(probe.place(), f"the program had {start} s to start; gate.startTimeoutSeconds is now {fitting}")
    made.put(fitting, "gate", "startTimeoutSeconds")


def _whole_number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _take_timing(made: Converted, probe: Fields, kind: str, name: str) -> Object:
    """Take a probe's times, with kubelet's defaults where the gate's are different. Raises InputError."""
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
            made.change(probe.place(key), f"{key} {value} is outside what a check allows; it is now {fitting}")
        if fitting != default(*path):
            timing[key] = fitting
    if absent:
        text = f"where the {name} probe omits a value, kubelet's default is kept: {', '.join(absent)}"
        made.note(probe.place(), text)
    return timing


def _find_request(made: Converted, probe: Fields, ports: Mapping[str, int]) -> tuple[str, Object] | None:
    """Return the gate's kind of check and what it probes; None, with the reason reported, if the gate has none."""
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
        made.note(probe.place(), "the command now runs inside the compartment, as the program does")
        return "exec", {"command": probe.child("exec").texts("command")}
    if isinstance(probe.value.get("grpc"), dict):
        why = "the gate has no gRPC check; use gate.tcp to probe the port, or gate.exec to run a client"
    elif isinstance(command, dict):
        why = "gate.exec needs a program's full path"
    else:
        why = "the gate has no check of this kind"
    _leave(made, probe, why)
    return None


def _leave(made: Converted, probe: Fields, why: str) -> None:
    """Leave over a whole probe, with its times."""
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
        if name.casefold() == "host" and "host" not in check:  # kubelet ignores case here
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
        made.change(
            fields.place("host"), f"the probe went to {host}; the gate probes the replica itself, on its anchor's IP"
        )


def _port(fields: Fields, ports: Mapping[str, int]) -> int:
    """Return the number of a probe's port. Raises InputError for an unknown one."""
    value: Any = fields.take("port")
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    number = ports.get(value) if isinstance(value, str) else value
    if number is None:
        what = "no port" if value is None else f"the port named {value!r}, which no container of the pair has"
        fields.refuse(f"probes {what}; give its number", "port")
    wrong = refusal(number, "gate", "tcp", "", "port")
    if wrong:
        fields.refuse(wrong, "port")
    return int(number)
