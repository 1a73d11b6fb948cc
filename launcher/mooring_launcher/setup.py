"""What a run starts from: the environment and the configuration of this replica."""

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from mooring_launcher.anchor import POD_NAME_LABEL, Me
from mooring_launcher.attachment import Place, working_dir
from mooring_launcher.config import Config, for_ordinal, load_config
from mooring_launcher.log import mask_args


class Setup(NamedTuple):
    """Everything a run starts from. `config` is the replica's own."""

    config: Config
    ordinal: int
    me: Me
    own_pod: str
    own_uid: str
    state_dir: str
    environ: Mapping[str, str]


def make_setup(environ: Mapping[str, str], state_dir: str, ordinal: int) -> Setup:
    """Return what the environment and the configuration say of this replica."""
    config = for_ordinal(load_config(environ.get("MOORING_CONFIG", default_config_path())), ordinal)
    namespace = config["anchor"]["namespace"] or environ.get("POD_NAMESPACE", "")
    me = Me(namespace, environ.get("NODE_NAME", ""), f"{config['anchorSet']}-{ordinal}")
    own_uid = environ.get("POD_UID", "")
    own_pod = environ.get("POD_NAME", f"{config['launcherSet']}-{ordinal}")
    return Setup(config, ordinal, me, own_pod, own_uid, state_dir, environ)


def default_config_path() -> str:
    """Return where the chart mounts the configuration."""
    return r"C:\etc\mooring\config.json" if sys.platform == "win32" else "/etc/mooring/config.json"


def bootstrap_fields(setup: Setup, place: Place) -> dict[str, Any]:
    """Return every parameter of a start for the log: of the environment the names alone, secrets masked."""
    target = setup.config["target"]
    return {
        "anchorLabel": f"{POD_NAME_LABEL}={setup.me.anchor_name}",
        "namespace": setup.me.namespace,
        "node": setup.me.node,
        "anchorUid": place.anchor.uid,
        "anchorIp": place.anchor.ip,
        "compartment": place.compartment.id,
        "compartmentName": place.compartment.name,
        "exe": target["exe"],
        "args": mask_args(target["args"]),
        "workingDir": working_dir(target),
        "env": sorted(target["env"]),
        "ports": {name: port["port"] for name, port in target["ports"].items()},
    }
