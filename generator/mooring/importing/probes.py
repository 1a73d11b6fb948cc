"""Turn a container's probes into conditions of the health gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mooring._rules import is_absolute

from .manifests import Fields, Object, dig

if TYPE_CHECKING:
    from .convert import Converted

_KINDS = {"readinessProbe": "readiness", "livenessProbe": "liveness", "startupProbe": "startup"}
_TIMING = ("periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
_MOST_START_S = 86_400


def convert_probes(made: Converted, container: Fields) -> None:
    """Make a check of the readiness probe, and of the others what the gate has for them."""
    for key, name in _KINDS.items():
        if not isinstance(container.value.get(key), dict):
            continue
        probe = container.child(key)
        if name == "startup":
            _convert_startup(made, probe)
        check = _make_check(made, probe)
        if check is None:
            continue
        kind, value = check
        if value in (dig(made.values, "gate", kind) or {}).values():
            continue
        if name == "startup" and "readinessProbe" in container.value:
            made.change(probe.place(), "the startup probe is gone: the gate waits for the readiness check, and no less")
            continue
        made.put(value, "gate", kind, name)
        if name == "liveness":
            text = (
                "a liveness probe that fails restarts the container; this check turns the replica unready. "
                "For a restart as well set gate.onUnhealthy: restart, which goes for all conditions of the gate"
            )
            made.change(probe.place(), text)


def _convert_startup(made: Converted, probe: Fields) -> None:
    """Give the gate as long as the probe gave the program; kubelet's defaults are 10 s and 3 times."""
    period, failures = probe.value.get("periodSeconds", 10), probe.value.get("failureThreshold", 3)
    delay = probe.value.get("initialDelaySeconds", 0)
    if all(isinstance(each, int) for each in (period, failures, delay)):
        made.put(max(1, min(delay + period * failures, _MOST_START_S)), "gate", "startTimeoutSeconds")
    for key in (*_TIMING, "initialDelaySeconds"):
        probe.drop((key,))


def _make_check(made: Converted, probe: Fields) -> tuple[str, Object] | None:
    """Return the gate's kind of check and the check; None leaves the probe among what was not taken over."""
    timing = _take_timing(probe)
    http, tcp, command = (probe.value.get(key) for key in ("httpGet", "tcpSocket", "exec"))
    if isinstance(http, dict):
        return _make_http(made, probe.child("httpGet"), timing)
    if isinstance(tcp, dict):
        port = _port(made, tcp.get("port"))
        if port is not None:
            fields = probe.child("tcpSocket")
            fields.drop(("port",))
            _drop_host(made, fields)
            return "tcp", {"port": port, **timing}
    words = dig(command, "command")
    if isinstance(words, list) and words and is_absolute(str(words[0]), "windows"):
        text = "the command runs inside the compartment now, as the program does"
        made.change(probe.place(), text)
        return "exec", {"command": probe.child("exec").texts("command"), **timing}
    return None


def _make_http(made: Converted, http: Fields, timing: Object) -> tuple[str, Object] | None:
    port = _port(made, http.value.get("port"))
    if port is None:
        return None
    http.drop(("port",))
    _drop_host(made, http)
    check: Object = {"port": port}
    scheme, path = http.text("scheme"), http.text("path")
    if scheme.upper() == "HTTPS":
        check["scheme"] = "https"
    if path not in ("", "/"):
        check["path"] = path if path.startswith("/") else f"/{path}"
    headers = {each.text("name"): each.text("value") for each in http.children("httpHeaders")}
    host = headers.pop("Host", "")
    check |= {key: value for key, value in (("host", host), ("headers", headers)) if value}
    return "http", {**check, **timing}


def _drop_host(made: Converted, fields: Fields) -> None:
    host = fields.text("host")
    if host:
        made.change(fields.place("host"), f"asked was {host}; the gate asks the replica itself, on its anchor's IP")


def _take_timing(probe: Fields) -> Object:
    """Take a probe's times that are not the gate's own; initialDelaySeconds is not needed, the gate starts closed."""
    probe.drop(("initialDelaySeconds",))
    probe.drop(("terminationGracePeriodSeconds",))
    timing = {key: probe.number(key) for key in _TIMING}
    kept = {key: value for key, value in timing.items() if value is not None and value > 0}
    if "timeoutSeconds" in kept:
        kept["timeoutSeconds"] = min(kept["timeoutSeconds"], 300)
    for key, usual in (("timeoutSeconds", 2), ("successThreshold", 1), ("failureThreshold", 3)):
        if kept.get(key) == usual:
            del kept[key]
    return kept


def _port(made: Converted, value: Any) -> int | None:
    if isinstance(value, str) and not value.isdecimal():
        return made.ports.get(value)
    number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    return number if 1 <= number <= 65535 else None
