"""The environment of a container, as far as the manifests tell it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .manifests import Fields, Manifest, Object, dig
from .words import NotUnderstoodError, expand_kubernetes

ORDINAL = "{ordinal}"
"""Stands for the number a StatefulSet gives its pod, where a variable holds it."""

# Private letters of Unicode around the name of a variable whose value is not known; it may not be needed.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(.*?){_CLOSE}")
_INDEX = "metadata.labels['apps.kubernetes.io/pod-index']"
_SANDBOX = "CONTAINER_SANDBOX_MOUNT_POINT"


class Environment:
    """Variables of a container: what they hold, or why nobody can know it here."""

    def __init__(self, container: Fields, configs: Iterable[Manifest]) -> None:
        self.literal: dict[str, str] = {}
        """Those that a program gets by target.env: nothing else has to be asked for them."""
        self.indirect: list[Object] = []
        """Those that come from elsewhere, as the container has them."""
        self.known: dict[str, str] = {}
        self._why: dict[str, str] = {}
        self._configs = {config.name: config for config in configs if config.kind == "ConfigMap"}
        self.sources: list[Object] = container.sequence("envFrom")
        for source in self.sources:
            self._take_source(source)
        for variable in container.children("env"):
            self._take(variable)

    def _take_source(self, source: Object) -> None:
        config = self._configs.get(str(dig(source, "configMapRef", "name")))
        if config is not None:
            data = Fields(config, config.value).strings("data")
            self.known.update({f"{source.get('prefix') or ''}{key}": value for key, value in data.items()})

    def _take(self, variable: Fields) -> None:
        name = variable.text("name")
        whole = dict(variable.value)
        origin = variable.mapping("valueFrom")
        if not origin:
            self.literal[name] = self.known[name] = expand_kubernetes(variable.text("value"), self.known)
            return
        self.indirect.append(whole)
        if dig(origin, "fieldRef", "fieldPath") == _INDEX:
            self.known[name] = ORDINAL
            return
        self._take_key(name, origin.get("configMapKeyRef"))

    def _take_key(self, name: str, reference: object) -> None:
        if not isinstance(reference, dict):
            self._why[name] = "which is not in any manifest"
            return
        config = self._configs.get(str(reference.get("name")))
        if config is None:
            self._why[name] = f"from ConfigMap {reference.get('name')}, which is not among what was read; give it too"
            return
        data = Fields(config, config.value).strings("data")
        key = str(reference.get("key"))
        if key in data:
            self.known[name] = data[key]
        else:
            self._why[name] = f"from ConfigMap {config.name}, which has no key {key}"

    def find(self, name: str) -> str:
        """Return a variable's value, whatever its case, as on Windows; for one that is not known its mark."""
        for known, value in self.known.items():
            if known.casefold() == name.casefold():
                return value
        if name.upper() == _SANDBOX:
            return ""  # in front of a mountPath, which then says where it is
        return f"{_OPEN}{name}{_CLOSE}"

    def demand(self, *texts: str) -> None:
        """Raise NotUnderstoodError with the reason if one of the texts has a mark in it."""
        match = _MARK.search(" ".join(texts))
        if match:
            self.lookup(match[1])

    def lookup(self, name: str) -> str:
        """Return a variable's value. Raises NotUnderstoodError with the reason where it is not known."""
        value = self.find(name)
        if not _MARK.search(value):
            return value
        why = next((why for each, why in self._why.items() if each.casefold() == name.casefold()), None)
        message = f"it uses the variable {name}, {why or 'which only the node knows; write its value there'}"
        raise NotUnderstoodError(message)
