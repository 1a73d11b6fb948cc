"""Linkerd's own definitions of its policy objects, to check what the chart renders against."""

from __future__ import annotations

import functools
from typing import Any

import jsonschema

from tests.crds import strict_schema_of
from tests.linkerd import charts

GROUP = "policy.linkerd.io/"


@functools.cache
def _schema(kind: str, version: str) -> dict[str, Any]:
    (crd,) = [one for one in charts.definitions() if one["spec"]["names"]["kind"] == kind]
    return strict_schema_of(crd, version)


def validate(one: dict[str, Any]) -> None:
    """Hold an object to the strict schema of its kind and version; raises jsonschema.ValidationError."""
    jsonschema.validate(one, _schema(one["kind"], one["apiVersion"].removeprefix(GROUP)))
