"""The rules that say which pod is this replica's anchor and what to do about it. Pure: pods in, one verdict out.

Pods are the API's own JSON objects. The candidates are a list so that anchors found by a selector fit the same rules.
"""

from typing import Any, NamedTuple

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
ANCHOR_CONTAINER = "anchor"

Pod = dict[str, Any]


class Me(NamedTuple):
    """Where this launcher runs and the name of the anchor that belongs to it."""

    namespace: str
    node: str
    anchor_name: str


class Attached(NamedTuple):
    """The anchor that the target runs in."""

    name: str
    uid: str
    ip: str
    container_id: str


class Wait(NamedTuple):
    """There is nothing to attach to yet."""

    reason: str


class Ambiguous(NamedTuple):
    """Several live pods claim to be the anchor."""

    names: tuple[str, ...]


class Elsewhere(NamedTuple):
    """The anchor runs on another node: it must be evicted, to follow its launcher."""

    name: str
    uid: str
    node: str


class Unschedulable(NamedTuple):
    """The anchor fits on no node that its rules allow, which is this one."""

    reason: str


class Attach(NamedTuple):
    """This anchor can be attached to."""

    anchor: Attached
    ready: bool


class Keep(NamedTuple):
    """The attached anchor is still the right one. `ready` is its Ready condition."""

    ready: bool


class Verify(NamedTuple):
    """The anchor's container was restarted: the compartment has to be looked up again."""

    anchor: Attached
    ready: bool


class Replaced(NamedTuple):
    """The target's network has gone, or another is in its place."""

    reason: str


class Leaving(NamedTuple):
    """The attached anchor is being deleted; its network still works."""

    reason: str


Verdict = Wait | Ambiguous | Elsewhere | Unschedulable | Attach | Keep | Verify | Replaced | Leaving


def judge(candidates: list[Pod], me: Me, attached: Attached | None = None) -> Verdict:
    """Say what the pods mean for a launcher that is attached to one of them, or to none."""
    ours = [pod for pod in candidates if _belongs(pod, me)]
    if attached is not None:
        return _judge_attached(ours, attached)
    live = [pod for pod in ours if _is_live(pod)]
    if len(live) > 1:
        return Ambiguous(tuple(sorted(pod["metadata"]["name"] for pod in live)))
    if live:
        return _judge_live(live[0], me)
    if ours:
        return Wait(f"the anchor {ours[0]['metadata']['name']} is {_end_of_life(ours[0])}")
    return Wait(f"the anchor {me.anchor_name} does not exist in namespace {me.namespace}")


def is_ready(pod: Pod) -> bool:
    """Tell whether the pod's Ready condition is true."""
    return _condition(pod, "Ready").get("status") == "True"


def _judge_attached(ours: list[Pod], attached: Attached) -> Verdict:
    own = next((pod for pod in ours if pod["metadata"]["uid"] == attached.uid), None)
    if own is None:
        other = next((pod for pod in ours if _is_live(pod)), None)
        if other is not None:
            return Replaced(
                f"the anchor {attached.name} was replaced (uid {attached.uid} by {other['metadata']['uid']})"
            )
        return Replaced(f"the anchor {attached.name} is gone")
    if not _is_live(own):
        return Leaving(f"the anchor {attached.name} is {_end_of_life(own)}")
    ip = _ip(own)
    if ip and ip != attached.ip:
        return Replaced(f"the anchor {attached.name} changed its IP from {attached.ip} to {ip}")
    state = _container_status(own)
    if _is_running(state) and state["containerID"] != attached.container_id:
        return Verify(attached._replace(container_id=state["containerID"]), is_ready(own))
    return Keep(is_ready(own))


def _judge_live(pod: Pod, me: Me) -> Verdict:
    name = pod["metadata"]["name"]
    node = pod["spec"].get("nodeName")
    if not node:
        return _judge_unplaced(pod)
    if node != me.node:
        return Elsewhere(name, pod["metadata"]["uid"], node)
    status = _container_status(pod)
    if not _is_running(status):
        return Wait(f"the anchor {name}: its container is not running{_why_waiting(status)}")
    ip = _ip(pod)
    if not ip:
        return Wait(f"the anchor {name} has no IP yet")
    return Attach(Attached(name, pod["metadata"]["uid"], ip, status["containerID"]), is_ready(pod))


def _judge_unplaced(pod: Pod) -> Verdict:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        return Unschedulable(f"the anchor {pod['metadata']['name']}: {scheduled.get('message', 'unschedulable')}")
    return Wait(f"the anchor {pod['metadata']['name']} is not scheduled yet")


def _belongs(pod: Pod, me: Me) -> bool:
    metadata = pod["metadata"]
    label = metadata.get("labels", {}).get(POD_NAME_LABEL)
    return bool(metadata.get("namespace") == me.namespace and label == me.anchor_name)


def _is_live(pod: Pod) -> bool:
    finished = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not pod["metadata"].get("deletionTimestamp") and not finished


def _end_of_life(pod: Pod) -> str:
    return "being deleted" if pod["metadata"].get("deletionTimestamp") else str(pod["status"]["phase"]).lower()


def _ip(pod: Pod) -> str:
    return str(pod.get("status", {}).get("podIP") or "")


def _condition(pod: Pod, kind: str) -> dict[str, Any]:
    conditions = pod.get("status", {}).get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == kind), {})


def _container_status(pod: Pod) -> dict[str, Any]:
    """Return the status of the anchor's own container: a mesh may have put its proxy before it."""
    names = [container["name"] for container in pod["spec"].get("containers", [])]
    own = ANCHOR_CONTAINER if ANCHOR_CONTAINER in names else next(iter(names), "")
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return next((status for status in statuses if status.get("name") == own), {})


def _is_running(status: dict[str, Any]) -> bool:
    return "running" in (status.get("state") or {}) and bool(status.get("containerID"))


def _why_waiting(status: dict[str, Any]) -> str:
    waiting = (status.get("state") or {}).get("waiting") or {}
    return f" ({waiting['reason']})" if waiting.get("reason") else ""
