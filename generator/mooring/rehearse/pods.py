"""Pods as the API shows them: made from a StatefulSet's template, their status, their fields by name."""

import copy
import re
from typing import Any

from mooring.rehearse.network import NODE_IP
from mooring.rehearse.store import Object, now

NODE_NAME = "rehearsal"
_KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]\Z")


def make_pod(stateful_set: Object, ordinal: int) -> Object:
    """Make the pod of an ordinal as the StatefulSet controller does, already scheduled."""
    template = copy.deepcopy(stateful_set["spec"]["template"])
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    metadata = template.get("metadata") or {}
    labels = {
        **(metadata.get("labels") or {}),
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(ordinal),
    }
    head = {"name": name, "namespace": stateful_set["metadata"]["namespace"], "labels": labels}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "name": stateful_set["metadata"]["name"],
        "uid": stateful_set["metadata"]["uid"],
        "controller": True,
    }
    return {
        "metadata": {**head, "annotations": metadata.get("annotations") or {}, "ownerReferences": [owner]},
        "spec": {**template["spec"], "nodeName": NODE_NAME, "hostname": name},
        "status": {"phase": "Pending", "hostIP": NODE_IP, "conditions": [_condition("PodScheduled", True)]},
    }


def running_status(pod: Object, ip: str, ready: bool, started: bool, restarts: int, why: str = "") -> Object:
    """Return the status of a pod whose container is up (`started`) or waits for its restart."""
    state = {"running": {"startedAt": now()}} if started else {"waiting": {"reason": "CrashLoopBackOff"}}
    container = main_container(pod)
    return {
        "phase": "Running",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": [
            _condition("PodScheduled", True),
            _condition("Initialized", True),
            _condition("ContainersReady", ready, why),
            _condition("Ready", ready, why),
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container.get("image", ""),
                "imageID": "",
                "containerID": f"rehearse://{pod['metadata']['uid']}/{restarts}",
                "ready": ready,
                "started": started,
                "restartCount": restarts,
                "state": state,
            }
        ],
    }


def _condition(kind: str, holds: bool, message: str = "") -> Object:
    return {"type": kind, "status": str(holds), "message": message, "lastTransitionTime": now()}


def main_container(pod: Object) -> Object:
    """Return the first container: the one that a rehearsal runs."""
    container: Object = pod["spec"]["containers"][0]
    return container


def is_ready(pod: Object) -> bool:
    """Return whether the pod's Ready condition holds."""
    return _ready_condition(pod).get("status") == "True"


def why_not_ready(pod: Object) -> str:
    """Return the Ready condition's message, on one line."""
    return " ".join(str(_ready_condition(pod).get("message", "")).split())


def _ready_condition(pod: Object) -> Object:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c["type"] == "Ready"), {})


def is_terminating(pod: Object) -> bool:
    """Return whether the pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def ordinal_of(pod: Object) -> int:
    """Return the ordinal in the pod's label."""
    return int(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"])


def read_field(pod: Object, path: str) -> str:
    """Return a downward API field (`metadata.name`, `metadata.labels['x']`, `status.podIP`); absent is empty."""
    keyed = _KEYED_FIELD.match(path)
    if keyed:
        return str((pod["metadata"].get(keyed[1]) or {}).get(keyed[2], ""))
    value: Any = pod
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return str(value)


def grace_s(pod: Object) -> float:
    """Return the pod's grace period in seconds."""
    return float(pod["spec"].get("terminationGracePeriodSeconds", 30))
