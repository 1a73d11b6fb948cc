"""Rules between volumes and where they are mounted; their twin is templates/_rules_volumes.tpl."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mooring.model.rules.rule import Rule, Sentence, Values, Violation

OWN_VOLUMES = ("config", "state", "launcher", "launcher-code", "netns")
OWN_PREFIX = "mount-"
PATH_TWICE = Sentence("is already a mount path, of another entry or of mooring", "give each entry its own mountPath")
HOST_PATH_MISSING = Sentence("must be set", "write the path on the node")
LEADS_UP = Sentence("must not contain .., which Kubernetes rejects", "write the full path")
OWN = Sentence("is the name of one of mooring's own volumes", "choose another name")
NAME_TWICE = Sentence("is the name of more than one volume", "choose another name")
VOLUME_UNKNOWN = Sentence(
    "is not the name of a volume", "add it to extraVolumes or volumeClaimTemplates, or correct the name"
)
ANCHOR_HAS_NONE = Sentence("must be left out: the anchor's pod has no volumes", "leave it out")


def launcher_directory(values: Values) -> str:
    """Return where the launcher's directory is on every node."""
    given: str = values["launcher"]["hostPath"]
    return given or (r"C:\mooring" if values["platform"] == "windows" else "/opt/mooring")


def _own_paths(values: Values) -> tuple[str, ...]:
    """Return where mooring mounts its configuration, its state, the launcher and, on Linux, the networks."""
    if values["platform"] == "windows":
        own: tuple[str, ...] = (r"C:\etc\mooring", r"C:\run\mooring", r"C:\etc\mooring-launcher")
    else:
        own = ("/etc/mooring", "/run/mooring", "/etc/mooring-launcher", "/run/netns")
    return (*own, launcher_directory(values))


def _same_path(path: str, platform: str) -> str:
    """Return one spelling of a path: Windows ignores case and has two slashes; a trailing one never counts."""
    if platform == "windows":
        return path.replace("/", "\\").lower().rstrip("\\")
    return path.rstrip("/")


def _mount_paths_unique(values: Values) -> Iterator[Violation]:
    platform = values["platform"]
    mounts = sorted(values["target"]["mounts"].items())
    places: list[tuple[tuple[str, ...], str]] = [
        (("target", "mounts", name), mount.get("mountPath") or mount["hostPath"]) for name, mount in mounts
    ]
    for number, mount in enumerate(values["extraVolumeMounts"]):
        places.append((("extraVolumeMounts", str(number), "mountPath"), str(mount.get("mountPath", ""))))
    seen = {_same_path(path, platform) for path in _own_paths(values)}
    for where, path in places:
        same = _same_path(path, platform)
        if same in seen:
            yield PATH_TWICE.at(where, path)
        seen.add(same)


def _mounts_given(values: Values) -> Iterator[Violation]:
    for name, mount in values["target"]["mounts"].items():
        place = ("target", "mounts", name, "hostPath")
        if not mount["hostPath"]:
            yield HOST_PATH_MISSING.at(place, "")
        elif ".." in re.split(r"[/\\]", mount["hostPath"]):
            yield LEADS_UP.at(place, mount["hostPath"])


def _volume_names(values: Values) -> list[tuple[tuple[str, ...], str]]:
    names: list[tuple[tuple[str, ...], str]] = []
    for number, volume in enumerate(values["extraVolumes"]):
        names.append((("extraVolumes", str(number), "name"), str(volume.get("name", ""))))
    for number, claim in enumerate(values["volumeClaimTemplates"]):
        name = str((claim.get("metadata") or {}).get("name", ""))
        names.append((("volumeClaimTemplates", str(number), "metadata", "name"), name))
    return names


def is_reserved_volume(name: str) -> bool:
    """Tell whether the launcher's pod has, or may have, a volume of this name."""
    return name in OWN_VOLUMES or name.startswith(OWN_PREFIX)


def _volumes_reserved(values: Values) -> Iterator[Violation]:
    for path, name in _volume_names(values):
        if is_reserved_volume(name):
            yield OWN.at(path, name)


def _volumes_unique(values: Values) -> Iterator[Violation]:
    """Refuse two volumes of one name: a claim would silently replace a volume."""
    seen: set[str] = set()
    for path, name in _volume_names(values):
        if name in seen:
            yield NAME_TWICE.at(path, name)
        seen.add(name)


def _mounts_known(values: Values) -> Iterator[Violation]:
    own = {"config", "state", "launcher", *(f"{OWN_PREFIX}{name}" for name in values["target"]["mounts"])}
    if values["launcher"]["source"] == "configMap":
        own.add("launcher-code")
    if values["platform"] == "linux":
        own.add("netns")
    known = own | {name for _, name in _volume_names(values)}
    for number, mount in enumerate(values["extraVolumeMounts"]):
        name = str(mount.get("name", ""))
        if name not in known:
            yield VOLUME_UNKNOWN.at(("extraVolumeMounts", str(number), "name"), name)


def _anchor_mounts_nothing(values: Values) -> Iterator[Violation]:
    for number, container in enumerate(values["anchor"]["extraContainers"]):
        for key in ("volumeMounts", "volumeDevices"):
            if container.get(key):
                yield ANCHOR_HAS_NONE.at(("anchor", "extraContainers", str(number), key), container[key])


VOLUME_RULES: tuple[Rule, ...] = (
    Rule("mount-paths-unique", _mount_paths_unique),
    Rule("mounts-given", _mounts_given),
    Rule("volumes-reserved", _volumes_reserved),
    Rule("volumes-unique", _volumes_unique),
    Rule("mounts-known", _mounts_known),
    Rule("anchor-mounts-nothing", _anchor_mounts_nothing),
)
