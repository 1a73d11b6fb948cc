"""The configuration document: read, checked against config.schema.json, completed with the schema's defaults.

The schema is the one definition that chart and launcher share.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from mooring_launcher.errors import ExitCode, LauncherError
from mooring_launcher.schema import Schema, fill_defaults, find_problems, find_unusable_texts

CONFIG_VERSION = 2
"""The newest configVersion that this launcher accepts; it accepts the one before as well."""

SCHEMA_FILE = "config.schema.json"

Config = dict[str, Any]


def load_config(path: str) -> Config:
    """Read, check and complete the configuration. LauncherError CONFIG_INVALID or CONFIG_UNSUPPORTED."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        message = f"configuration {path}: {error.strerror}"
        raise LauncherError(ExitCode.CONFIG_INVALID, message) from error
    except ValueError as error:
        message = f"configuration {path} is not JSON: {error}"
        raise LauncherError(ExitCode.CONFIG_INVALID, message) from error
    return check_config(document, load_schema(), path)


def load_schema() -> Schema:
    """Return config.schema.json, which lies next to this module, on disk or in the zipapp."""
    path = os.path.join(os.path.dirname(__file__), SCHEMA_FILE)
    schema: Schema = json.loads(__loader__.get_data(path))  # type: ignore[name-defined]  # set by the import system
    return schema


def check_config(document: object, schema: Schema, where: str) -> Config:
    """Return the document with every default filled in. One LauncherError lists every problem with its path."""
    version = document.get("configVersion") if isinstance(document, dict) else None
    if isinstance(version, int) and version not in (CONFIG_VERSION, CONFIG_VERSION - 1):
        message = f"{where}: configVersion {version}, this launcher takes {CONFIG_VERSION} and {CONFIG_VERSION - 1}"
        raise LauncherError(ExitCode.CONFIG_UNSUPPORTED, message)
    problems = [*find_problems(document, _of_version(version, schema)), *find_unusable_texts(document)]
    if problems or not isinstance(document, dict):
        lines = [f"{path or 'the document'}: {problem}" for path, problem in problems]
        raise LauncherError(ExitCode.CONFIG_INVALID, "; ".join([f"configuration {where}", *lines]))
    config: Config = fill_defaults(document, schema)
    return config if version == CONFIG_VERSION else {**_facts_of_version_1(config), **config}


def _of_version(version: object, schema: Schema) -> Schema:
    """Return the schema, which describes the newest version, adapted to this one."""
    if version == CONFIG_VERSION:
        return schema
    return {**schema, "required": [key for key in schema["required"] if key not in _SINCE_VERSION_2]}


_SINCE_VERSION_2 = ("anchorPod", "anchorGraceSeconds")


def _facts_of_version_1(config: Config) -> Config:
    """Return what charts write since version 2, derived as the launchers of version 1 did."""
    suffix = {"static": "{ordinal}-{ordinal}", "shared": str(config["ordinals"]["start"])}
    stop = config["stop"]
    grace_s = stop["drainSeconds"] + stop["consoleSeconds"] + 20
    grace_s += stop["commandSeconds"] if stop["command"] else 0
    grace_s += stop["windowSeconds"] if config["platform"] == "windows" else 0
    return {
        "anchorPod": f"{config['anchorSet']}-{suffix.get(config['anchor']['strategy'], '{ordinal}')}",
        "anchorGraceSeconds": grace_s,
    }


def for_ordinal(config: Config, ordinal: int) -> Config:
    """Return the configuration of one replica: its own args replace, its own env and ports are merged over.

    Replicas that share an anchor share its IP, so each has its own readiness port.
    """
    target = config["target"]
    own = target["perOrdinal"].get(str(ordinal), {})
    merged = {**target, "args": own.get("args") or target["args"], "env": {**target["env"], **own.get("env", {})}}
    own_ports = own.get("ports", {})
    merged["ports"] = {
        name: {**port, "port": own_ports.get(name, port["port"])} for name, port in target["ports"].items()
    }
    readiness = config["readiness"]
    if config["anchor"]["strategy"] == "shared":
        readiness = {**readiness, "port": readiness["port"] + ordinal - config["ordinals"]["start"]}
    return {**config, "target": merged, "readiness": readiness}


def sibling_ports(config: Config, ordinal: int) -> list[int]:
    """Return the readiness ports whose /hold this replica's waits for: of a shared anchor all, for its first ordinal.

    Takes the replica's own configuration. Not all of them need exist: without a sibling nothing listens.
    """
    if config["anchor"]["strategy"] != "shared" or ordinal != config["ordinals"]["start"]:
        return []
    own = int(config["readiness"]["port"])
    return list(range(own + 1, own + int(config["maxReplicas"])))


def read_ordinal(environ: Mapping[str, str]) -> int:
    """Return the replica's ordinal from MOORING_ORDINAL, else from the end of POD_NAME. LauncherError NO_ORDINAL."""
    given = environ.get("MOORING_ORDINAL", "")
    suffix = given or environ.get("POD_NAME", "").rpartition("-")[2]
    if not (suffix.isascii() and suffix.isdigit()):
        message = f"MOORING_ORDINAL is {given!r} and POD_NAME {environ.get('POD_NAME', '')!r}: neither has an ordinal"
        raise LauncherError(ExitCode.NO_ORDINAL, message)
    return int(suffix)
