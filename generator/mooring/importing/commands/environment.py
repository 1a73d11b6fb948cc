"""A container's environment, as far as it is known from the manifests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn

from mooring.importing.commands import kubelet
from mooring.importing.commands.words import refuse
from mooring.importing.manifests import Fields, Manifest, Object, dig

ORDINAL = "{ordinal}"
"""Stands for the ordinal of a StatefulSet's pod, as the value of a variable."""

SANDBOX = "CONTAINER_SANDBOX_MOUNT_POINT"
"""Set in each HostProcess container to the path of its own files, which only the node knows."""

# Unicode private-use characters around the name of a variable with an unknown value, which may turn out not to matter.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(.*?){_CLOSE}")
_INDEX = "metadata.labels['apps.kubernetes.io/pod-index']"
_SOURCES = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


class Environment:
    """A container's variables: their values, or why they cannot be known here.

    The order is kubelet's: envFrom first, later sources override earlier ones; then env, where the last of equal names
    counts, and $(NAME) is its value up to that point.
    """

    def __init__(self, container: Fields, configs: Iterable[Manifest]) -> None:
        self.literal: dict[str, str] = {}
        """Variables with a plain value, which become target.env."""
        self.indirect: list[Object] = []
        """Variables whose value comes from elsewhere, wholly or in part, as the new container gets them."""
        self.known: dict[str, str] = {}
        self._why: dict[str, str] = {}
        self._unknown_sources: list[tuple[str, str]] = []
        self._container = container
        self._configs = {config.name: config for config in configs if config.kind == "ConfigMap"}
        self.sources: list[Object] = container.sequence("envFrom")
        for source in self.sources:
            self._take_source(source)
        for variable in container.children("env"):
            self._take(variable)

    def _take_source(self, source: Object) -> None:
        prefix = str(dig(source, "prefix") or "")
        config = self._configs.get(str(dig(source, "configMapRef", "name")))
        if config is not None:
            data = Fields(config, config.value).strings("data")
            names = {f"{prefix}{key}": value for key, value in data.items()}
            self.known.update(names)
            for name in names:
                self._why.pop(name, None)
            return
        kind = "Secret" if dig(source, "secretRef") else "ConfigMap"
        title = f"{kind} {dig(source, 'secretRef', 'name') or dig(source, 'configMapRef', 'name')}"
        self._unknown_sources.append((prefix, title))
        for name in [name for name in self.known if name.startswith(prefix)]:
            del self.known[name]
            self._why[name] = f"which {title} (not read) may also define; write its value instead"

    def _take(self, variable: Fields) -> None:
        name, text = variable.text("name"), variable.text("value")
        whole, origin = dict(variable.value), variable.mapping("valueFrom")
        if origin and not text:
            self._forget(name)
            self.indirect.append(whole)
            self._learn(name, origin)
            return
        unknown = [each for each in _names(text) if each not in self.known and self._find_for_kubelet(each) is not None]
        from_pod = [each for each in _names(text) if self.known.get(each) == ORDINAL]
        if unknown or from_pod:
            # A reference must stay with its source: the chart's container has that source, but no target.env.
            made = kubelet.fill_in(text, self.literal.get)
            self._forget(name, made)
            self.indirect.append({"name": name, "value": made})
            self._why[name] = f"which contains $({(unknown or from_pod)[0]}); write its value instead"
        else:
            value = kubelet.expand(text, self.known.get)
            self._forget(name)
            self.literal[name] = self.known[name] = value

    def _forget(self, name: str, text: str = "") -> None:
        """Let a later variable of the same name win. Raises InputError if another one refers to the earlier."""
        texts = {str(each["name"]): str(each.get("value", "")) for each in self.indirect} | {name: text}
        for user, value in texts.items():
            if name in _names(value):
                message = f"{user} contains $({name}), which is set twice; give the first one another name"
                self._container.refuse(message, "env")
        self.indirect = [each for each in self.indirect if each.get("name") != name]
        for variables in (self.literal, self.known, self._why):
            variables.pop(name, None)
        same = next((each for each in self.literal if each.casefold() == name.casefold()), None)
        if same:
            self._container.refuse(f"{same} and {name} are the same variable on Windows; keep one of them", "env")

    def _learn(self, name: str, origin: Object) -> None:
        """Record the value of a variable from elsewhere, or why it cannot be known here."""
        if dig(origin, "fieldRef", "fieldPath") == _INDEX:
            self.known[name] = ORDINAL
            return
        config = self._configs.get(str(dig(origin, "configMapKeyRef", "name")))
        if config is not None:
            data = Fields(config, config.value).strings("data")
            key = str(dig(origin, "configMapKeyRef", "key"))
            if key in data:
                self.known[name] = data[key]
            else:
                self._why[name] = f"from ConfigMap {config.name}, which has no key {key}; add it there"
            return
        for kind, title in _SOURCES.items():
            if dig(origin, kind, "name"):
                what = f"from {title} {dig(origin, kind, 'name')}, which was not read"
                self._why[name] = f"{what}; {'add its manifest' if title == 'ConfigMap' else 'write its value instead'}"
                return
        field = dig(origin, "fieldRef", "fieldPath") or dig(origin, "resourceFieldRef", "resource")
        self._why[name] = f"from the pod's {field}, which only the cluster knows; write its value instead"

    def expand(self, text: str) -> str:
        """Replace $(NAME) as kubelet does; a variable with an unknown value leaves its mark."""
        return kubelet.expand(text, self._find_for_kubelet)

    def _find_for_kubelet(self, name: str) -> str | None:
        """Return what kubelet inserts, None where it leaves the text unchanged; case matters, as for kubelet."""
        if name in self.known:
            return self.known[name]
        if name in self._why:
            return _mark(name)
        if kubelet.is_of_services(name):
            self._why[name] = "which Kubernetes sets if a Service of that name exists; write its value instead"
            return _mark(name)
        for prefix, title in self._unknown_sources:
            if re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", name) and name.startswith(prefix):
                self._why[name] = f"which {title} (not read) may define; write its value instead"
                return _mark(name)
        return None

    def find(self, name: str) -> str:
        """Return a variable's value, ignoring case as Windows does; an unknown one's mark."""
        same = [each for each in {**self.known, **self._why} if each.casefold() == name.casefold()]
        if len(same) > 1:
            self._why[name] = f"and {' and '.join(sorted(same))} are the same variable on Windows; keep one of them"
        elif same:
            return self.known.get(same[0], _mark(same[0]))
        if name.upper() == SANDBOX:
            self._why[name] = "which only the node knows; write the file's path on the node"
        return _mark(name)

    def assign(self, name: str, value: str) -> None:
        """Set a variable as a shell does before it starts the program, ignoring case as Windows does."""
        for variables in (self.literal, self.known, self._why):
            for each in [each for each in variables if each.casefold() == name.casefold()]:
                del variables[each]
        self.literal[name] = self.known[name] = value

    def hide(self, name: str, why: str) -> None:
        """Record that a shell sets a variable to an unknown value."""
        for variables in (self.literal, self.known):
            for each in [each for each in variables if each.casefold() == name.casefold()]:
                del variables[each]
        self._why[name] = why

    def demand(self, anchor: Iterable[str], program: Iterable[str]) -> None:
        """Raise NotUnderstoodError with the reason if a text has an unknown part, or is different in each pod.

        The ordinal may be part of the anchor's labels, but not of the program and its arguments.
        """
        program = [*program]
        match = _MARK.search(" ".join([*anchor, *program]))
        if match:
            self._refuse(match[1])
        if any(ORDINAL in text for text in program) and ORDINAL in self.known.values():
            refuse(
                "an argument contains the pod's index, but an App's replicas have the same arguments except for "
                "target.perOrdinal; write a number instead, and each replica's arguments to target.perOrdinal"
            )

    def _refuse(self, name: str) -> NoReturn:
        why = "which only the node knows; write its value instead"
        if name in self.known:
            why = "which the line reads before it sets it; write its value instead"
        refuse(f"it uses the variable {name}, {self._why.get(name) or why}")


def _mark(name: str) -> str:
    return f"{_OPEN}{name}{_CLOSE}"


def _names(text: str) -> list[str]:
    """Return the names of the variables that a text refers to, as kubelet reads it."""
    names: list[str] = []

    def note(name: str) -> None:
        names.append(name)

    kubelet.expand(text, note)
    return names
