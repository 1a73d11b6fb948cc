"""A launcher pod's volumes and environment, written to a directory of this machine."""

from dataclasses import dataclass, field
from pathlib import Path

from mooring.rehearse.container import Mount
from mooring.rehearse.pods import main_container, read_field
from mooring.rehearse.store import Object

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Cluster:
    """What a pod gets from its cluster: the API's address and CA, tokens, the launcher's bundle, its data."""

    api_host: str
    api_port: int
    ca_pem: str
    tokens: dict[str, str]
    bundle: Path
    data: dict[str, dict[tuple[str, str], dict[str, bytes]]] = field(default_factory=dict)
    """Contents of ConfigMaps and Secrets: by kind, then by namespace and name."""

    def find(self, kind: str, pod: Object, name: str, *, optional: bool) -> dict[str, bytes] | None:
        """Return the contents of a ConfigMap or Secret, None for an optional one that does not exist.

        Raises LookupError where kubelet would keep waiting.
        """
        found = self.data.get(kind, {}).get((pod["metadata"]["namespace"], name))
        if found is None and not optional:
            message = f"{kind} {name} is not in the chart, and a rehearsal only has the chart's; add it to extraObjects"
            raise LookupError(message)
        return found


def environment(pod: Object, cluster: Cluster) -> dict[str, str]:
    """Return a container's environment: what Kubernetes adds and what the pod defines.

    Raises LookupError for a ConfigMap or Secret, or a key of one, that is missing and not optional.
    """
    result = {
        "PATH": _PATH,
        "HOSTNAME": pod["metadata"]["name"],
        "KUBERNETES_SERVICE_HOST": cluster.api_host,
        "KUBERNETES_SERVICE_PORT": str(cluster.api_port),
    }
    container = main_container(pod)
    for entry in container.get("envFrom") or []:
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if wanted := entry.get(key):
                found = cluster.find(kind, pod, wanted["name"], optional=bool(wanted.get("optional"))) or {}
                result |= {entry.get("prefix", "") + name: text.decode() for name, text in found.items()}
    for entry in container.get("env") or []:
        text = _variable(pod, entry, cluster)
        if text is not None:
            result[entry["name"]] = text
    return result


def _variable(pod: Object, entry: Object, cluster: Cluster) -> str | None:
    """Return an EnvVar's value, None for an optional one that does not exist."""
    source = entry.get("valueFrom") or {}
    if not source:
        return str(entry.get("value", ""))
    if "fieldRef" in source:
        return read_field(pod, source["fieldRef"]["fieldPath"])
    for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if wanted := source.get(key):
            optional = bool(wanted.get("optional"))
            found = cluster.find(kind, pod, wanted["name"], optional=optional) or {}
            if wanted["key"] in found:
                return found[wanted["key"]].decode()
            if optional:
                return None
            message = f"{kind} {wanted['name']} has no key {wanted['key']}; add it to the chart's"
            raise LookupError(message)
    message = f"variable {entry['name']}: {', '.join(sorted(source))} cannot be rehearsed without a cluster"
    raise LookupError(message)


def make_mounts(pod: Object, cluster: Cluster, folder: Path) -> list[Mount]:
    """Fill the pod's volumes below a folder and return its container's mounts."""
    container = main_container(pod)
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
    mounts = [Mount(str(_termination_log(folder)), container.get("terminationMessagePath", "/dev/termination-log"))]
    for wanted in container.get("volumeMounts") or []:
        source = _source_of(pod, volumes[wanted["name"]], wanted, cluster, folder)
        if wanted.get("subPath"):
            source = source / str(wanted["subPath"])
        follows = wanted.get("mountPropagation") in ("HostToContainer", "Bidirectional")
        mounts.append(Mount(str(source), wanted["mountPath"], bool(wanted.get("readOnly")), follows))
    if pod["spec"].get("automountServiceAccountToken", True):
        mounts.append(Mount(str(_write_token(pod, cluster, folder / "serviceaccount")), TOKEN_PATH, read_only=True))
    return mounts


def termination_message(folder: Path) -> str:
    """Return the container's termination message, and clear it for the next start."""
    path = folder / "termination-log"
    text = path.read_text("utf-8", errors="replace").strip()
    path.write_text("")
    return text


def _termination_log(folder: Path) -> Path:
    path = folder / "termination-log"
    path.touch()
    return path


def _source_of(pod: Object, volume: Object, mount: Object, cluster: Cluster, folder: Path) -> Path:
    """Return the directory behind a volume."""
    if "hostPath" in volume:
        return _host_path(pod, volume, mount["mountPath"], cluster)
    unknown = set(volume) - {"name", "emptyDir", "downwardAPI", "projected", "configMap", "secret"}
    if unknown:
        message = f"volume {volume['name']}: {', '.join(sorted(unknown))} cannot be rehearsed without a cluster"
        raise LookupError(message)
    target = folder / "volumes" / str(volume["name"])
    target.mkdir(parents=True, exist_ok=True)
    _write_data(pod, volume, cluster, target)
    items = list((volume.get("downwardAPI") or {}).get("items") or [])
    for source in (volume.get("projected") or {}).get("sources") or []:
        items += (source.get("downwardAPI") or {}).get("items") or []
        _write_data(pod, source, cluster, target)
        if "serviceAccountToken" in source:
            _write_token(pod, cluster, target, source["serviceAccountToken"].get("path", "token"))
    for item in items:
        path = target / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(read_field(pod, item["fieldRef"]["fieldPath"]), "utf-8")
    return target


def _write_data(pod: Object, source: Object, cluster: Cluster, folder: Path) -> None:
    """Write the files of the ConfigMap or Secret of a volume, or of one source of a projected volume.

    Raises LookupError where kubelet would keep waiting.
    """
    for kind, key in (("ConfigMap", "configMap"), ("Secret", "secret")):
        wanted = source.get(key)
        if wanted is None:
            continue
        name, optional = wanted.get("secretName") or wanted.get("name") or "", bool(wanted.get("optional"))
        files = cluster.find(kind, pod, name, optional=optional) or {}
        paths = {item["key"]: item["path"] for item in wanted.get("items") or []} or {file: file for file in files}
        for file, path in paths.items():
            if file in files:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(files[file])
            elif not optional:
                message = f"{kind} {name} has no key {file}; add it to the chart's"
                raise LookupError(message)


def _host_path(pod: Object, volume: Object, mount_path: str, cluster: Cluster) -> Path:
    """Return a hostPath of this machine; for the launcher and its Python, the rehearsal's bundle."""
    command = main_container(pod).get("command") or []
    if volume["name"] == "launcher" or any(
        part.startswith(mount_path + "/") and part.endswith(".pyz") for part in command
    ):
        return cluster.bundle
    path = Path(volume["hostPath"]["path"])
    if volume["hostPath"].get("type") == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    return path


def _write_token(pod: Object, cluster: Cluster, folder: Path, name: str = "token") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(cluster.tokens[pod["spec"].get("serviceAccountName", "default")])
    (folder / "ca.crt").write_text(cluster.ca_pem)
    (folder / "namespace").write_text(pod["metadata"]["namespace"])
    return folder
