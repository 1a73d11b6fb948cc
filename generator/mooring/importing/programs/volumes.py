"""Turn a HostProcess container's hostPath mounts into target.mounts, and all other volumes into extraVolumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mooring.importing.manifests import Fields, Object, dig
from mooring.importing.model import choices, make_key
from mooring.model.rules.paths import is_absolute
from mooring.model.rules.volumes import is_reserved_volume

if TYPE_CHECKING:
    from mooring.importing.programs.convert import Converted

TOKEN = "kube-api-access-"  # noqa: S105 - a volume's name
"""Name prefix of the volume that the API server adds for a pod's token."""
_MOUNT_KEYS = frozenset(["name", "mountPath", "readOnly"])


def convert_volumes(made: Converted, pod: Fields, container: Fields, script: str) -> None:
    """Take every volume and mount, except those of the script that mooring's launcher replaces."""
    volumes = {str(each["name"]): each for each in _named(pod, "volumes")}
    mounts = _named(container, "volumeMounts")
    used: set[str] = set()
    for mount in mounts:
        name = str(mount.get("name"))
        volume = volumes.get(name)
        if volume is None:
            container.refuse(
                f"mounts the volume {name}, which the pod does not have; add it to the pod, or remove the mount",
                "volumeMounts",
            )
        if script and dig(volume, "configMap", "name") == script:
            used.add(name)
            continue
        if _is_host_path(volume) and set(mount) <= _MOUNT_KEYS:
            _put_host_path(made, name, volume["hostPath"], mount)
            used.add(name)
        elif "projected" in volume and name.startswith(TOKEN):
            used.add(name)  # the API server added it, for the token
        else:
            made.values.setdefault("extraVolumeMounts", []).append({**mount, "name": _free(name)})
    for name, volume in volumes.items():
        if any(str(each.get("name")) == name for each in made.values.get("extraVolumeMounts", [])) or name not in used:
            _put_extra(made, name, volume)


def _named(fields: Fields, key: str) -> list[Object]:
    items = fields.sequence(key)
    for number, item in enumerate(items):
        if not isinstance(dig(item, "name"), str):
            fields.refuse("must be a map with a name", key, f"[{number}]")
    return items


def drop_token(pod: Fields, container: Fields) -> None:
    """Drop the token's volume that the API server added to a pod: mooring's anchors have no token."""
    for fields, key in ((pod, "volumes"), (container, "volumeMounts")):
        items = fields.value.get(key)
        named = [dig(each, "name") for each in items] if isinstance(items, list) else []
        if named and all(isinstance(name, str) and name.startswith(TOKEN) for name in named):
            fields.drop((key,))


def _put_extra(made: Converted, name: str, volume: Object) -> None:
    if "projected" in volume and name.startswith(TOKEN):
        return
    made.values.setdefault("extraVolumes", []).append({**volume, "name": _free(name)})


def _free(name: str) -> str:
    """Return a volume's name, with a prefix if mooring reserves it."""
    return f"app-{name}" if is_reserved_volume(name) else name


def _is_host_path(volume: Object) -> bool:
    source = volume.get("hostPath")
    path = dig(source, "path")
    return (
        isinstance(path, str)
        and is_absolute(path, "windows")
        and (dig(source, "type") is None or dig(source, "type") in choices("target", "mounts", "", "type"))
    )


def _put_host_path(made: Converted, name: str, source: Object, mount: Object) -> None:
    mounts: dict[str, Any] = made.values.setdefault("target", {}).setdefault("mounts", {})
    key = make_key(name, "target", "mounts") or "mount"
    if key in mounts:
        key = make_key(f"{len(mounts)}-{key}", "target", "mounts")
    path = str(mount.get("mountPath") or source["path"])
    # By default Kubernetes mounts read-write, mooring read-only.
    entry = {
        "hostPath": source["path"],
        "readOnly": bool(mount.get("readOnly", False)),
        "type": source.get("type") or "",
    }
    if _plain(path) != _plain(source["path"]):
        entry["mountPath"] = path
    mounts[key] = entry


def _plain(path: str) -> str:
    return path.replace("/", "\\").rstrip("\\").casefold()
