"""What a run starts from: the environment and the configuration of this replica."""

import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from mooring_launcher.attachment.place import Place, working_dir
from mooring_launcher.cluster.anchor import Me
from mooring_launcher.cluster.api import SERVICE_ACCOUNT
from mooring_launcher.cluster.resources import Resource, pod, pods
from mooring_launcher.config import Config, for_ordinal, load_config
from mooring_launcher.gate.psutil import check_psutil_folder
from mooring_launcher.platforms.mounts import find_mounted
from mooring_launcher.platforms.trust import check_files, make_state_own
from mooring_launcher.reports.masking import mask_args


class Setup(NamedTuple):
    """Everything a run starts from. `config` is the replica's own."""

    config: Config
    ordinal: int
    me: Me
    namespace: str
    """Its own; the anchor may be in another."""
    own_pod: str
    own_uid: str
    state_dir: str
    environ: Mapping[str, str]


def make_setup(environ: Mapping[str, str], state_dir: str, ordinal: int) -> Setup:
    """Return what the environment and the configuration say about this replica."""
    config = for_ordinal(load_config(config_path(environ)), ordinal)
    namespace = environ.get("POD_NAMESPACE", "") or config["anchor"]["namespace"]
    own_uid = environ.get("POD_UID", "")
    own_pod = environ.get("POD_NAME", f"{config['launcherSet']}-{ordinal}")
    me = find_me(config, ordinal, environ.get("NODE_NAME", ""), namespace)
    return Setup(config, ordinal, me, namespace, own_pod, own_uid, state_dir, environ)


def find_me(config: Config, ordinal: int, node: str, namespace: str) -> Me:
    """Return how this replica's anchor is identified: by its name, or by the labels of one that others created."""
    anchor = config["anchor"]
    where = anchor["namespace"] or namespace
    if not anchor["create"]:
        parts = anchor["selector"].replace("{ordinal}", str(ordinal)).split(",")
        labels = tuple((key, value) for key, _, value in (part.partition("=") for part in parts))
        return Me(where, node, "", labels, anchor_follows=False)
    name = config["anchorPod"].replace("{ordinal}", str(ordinal))
    return Me(where, node, name, anchor_follows=anchor["strategy"] != "shared")


def anchor_resource(me: Me) -> Resource:
    """Return the API resource of this replica's anchor: by its name, or by labels."""
    return pods(me.namespace, me.selector) if me.labels else pod(me.namespace, me.anchor_name)


def config_path(environ: Mapping[str, str]) -> str:
    """Return where the configuration is: MOORING_CONFIG, else where the chart mounts it."""
    usual = r"C:\etc\mooring\config.json" if sys.platform == "win32" else "/etc/mooring/config.json"
    return find_mounted(environ.get("MOORING_CONFIG", usual), environ)


def inputs(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the files that every run reads, by what each is."""
    account = find_mounted(SERVICE_ACCOUNT, environ)
    files = {f"the service account's {name}": os.path.join(account, name) for name in ("token", "ca.crt")}
    return {"the configuration": config_path(environ), **files}


def check_trust(environ: Mapping[str, str], state_dir: str) -> None:
    """LauncherError UNTRUSTED_PATH when someone else could change what this launcher is about to use."""
    check_files(inputs(environ))
    make_state_own(state_dir)
    check_psutil_folder()


def bootstrap_fields(setup: Setup, place: Place) -> dict[str, Any]:
    """Return every parameter of a start for the log: of the environment only the names, secrets masked."""
    target = setup.config["target"]
    return {
        "anchorLabel": setup.me.selector,
        "namespace": setup.me.namespace,
        "node": setup.me.node,
        "anchorUid": place.anchor.uid,
        "anchorIp": place.anchor.ip,
        "compartment": place.compartment.id,
        "compartmentName": place.compartment.name,
        "exe": target["exe"],
        "args": mask_args(target["args"]),
        "workingDir": working_dir(target),
        "lifetime": target["lifetime"],
        "env": sorted(target["env"]),
        "ports": {name: port["port"] for name, port in target["ports"].items()},
    }
