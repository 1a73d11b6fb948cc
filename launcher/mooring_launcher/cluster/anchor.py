"""The rules that say which pod is this replica's anchor and what to do about it. Pure: pods in, one verdict out.

Pods are the API's own JSON objects. The candidates are a list so that anchors found by a selector fit the same rules.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mooring_launcher.platforms.addresses import pack_ip

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
ANCHOR_CONTAINER = "anchor"

Pod = dict[str, Any]


class Me(NamedTuple):
    """Where this launcher runs and how its anchor is identified: by name, or by labels."""

    namespace: str
    """The anchor's."""
    node: str
    anchor_name: str
    """Empty for an anchor that others created, which is found by `labels`."""
    labels: tuple[tuple[str, str], ...] = ()
    anchor_follows: bool = True
    """Whether an anchor on another node may be evicted to follow the launcher. If not, the launcher moves to it."""

    @property
    def selector(self) -> str:
        """The anchor's label selector."""
        return ",".join(f"{key}={value}" for key, value in self._wanted)

    @property
    def _wanted(self) -> tuple[tuple[str, str], ...]:
        return self.labels or ((POD_NAME_LABEL, self.anchor_name),)

    def owns(self, pod: "Pod") -> bool:
        """Return whether the pod is an anchor of this launcher."""
        metadata = pod["metadata"]
        labels = metadata.get("labels") or {}
        return metadata.get("namespace") == self.namespace and all(labels.get(k) == v for k, v in self._wanted)


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
    """The anchor fits on no node that its rules allow, and they allow only this one."""

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
    """The target's network no longer exists, or another one has taken its place."""

    reason: str


class Leaving(NamedTuple):
    """The attached anchor is being deleted; its network still works."""

    reason: str


Verdict = Wait | Ambiguous | Elsewhere | Unschedulable | Attach | Keep | Verify | Replaced | Leaving


def judge(candidates: list[Pod], me: Me, attached: Attached | None = None) -> Verdict:
    """Say what the pods mean for a launcher that is attached to one of them, or to none."""
    ours = [pod for pod in candidates if me.owns(pod)]
    if attached is not None:
        return _judge_attached(candidates, ours, attached)
    live = [pod for pod in ours if _is_live(pod)]
    if len(live) > 1:
        return Ambiguous(tuple(sorted(pod["metadata"]["name"] for pod in live)))
    if live:
        return _judge_live(live[0], me)
    if ours:
        return Wait(f"the anchor {ours[0]['metadata']['name']} is {_end_of_life(ours[0])}")
    if me.labels:
        return Wait(f"an anchor with the labels {me.selector} does not exist in namespace {me.namespace}")
    return Wait(f"the anchor {me.anchor_name} does not exist in namespace {me.namespace}")


def is_ready(pod: Pod) -> bool:
    """Return whether the pod's Ready condition is true."""
    return _condition(pod, "Ready").get("status") == "True"


def is_leaving(pod: Pod) -> bool:
    """Return whether the pod is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def has_left(candidates: list[Pod], attached: Attached) -> bool:
    """Return whether the attached anchor is leaving or no longer exists."""
    own = next((pod for pod in candidates if pod["metadata"]["uid"] == attached.uid), None)
    return own is None or not _is_live(own)


def is_pod_ip(ip: str) -> bool:
    """Return whether the address can be a pod's: neither loopback nor unspecified nor multicast."""
    packed = pack_ip(ip)
    if len(packed) == 4:
        return packed[0] not in (0, 127) and packed[0] < 224
    return packed[0] != 0xFF and packed[:15] != bytes(15)


def find_gaps(pod: Pod, port: int, grace_s: int) -> list[str]:
    """Return what an anchor that others created lacks of what the chart's own has, one sentence each; or nothing.

    `port` is the one on which the launcher serves, `grace_s` the seconds a target may take to stop.
    """
    container = _container(pod)
    ports = {one["name"]: one["containerPort"] for one in container.get("ports") or [] if "name" in one}

    def asks(action: Mapping[str, Any] | None, path: str) -> bool:
        request = (action or {}).get("httpGet") or {}
        number = ports.get(request.get("port"), request.get("port"))
        return request.get("path") == path and number == port

    gaps = []
    if not asks(container.get("readinessProbe"), "/readyz"):
        gaps.append(f"no readinessProbe httpGet /readyz on port {port}: it is Ready while the program is not")
    if not asks((container.get("lifecycle") or {}).get("preStop"), "/hold"):
        gaps.append(f"no preStop httpGet /hold on port {port}: its network is removed before the program has stopped")
    for kind in ("livenessProbe", "startupProbe"):
        request = (container.get(kind) or {}).get("httpGet") or {}
        if ports.get(request.get("port"), request.get("port")) == port:
            gaps.append(f"a {kind} on port {port}: it is restarted whenever the launcher is")
    grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
    if grace < grace_s:
        gaps.append(
            f"terminationGracePeriodSeconds {grace}, not {grace_s}: its network may go before the program stops"
        )
    return gaps


def _judge_attached(candidates: list[Pod], ours: list[Pod], attached: Attached) -> Verdict:
    # Only by its uid: removing a label does not remove the network.
    own = next((pod for pod in candidates if pod["metadata"]["uid"] == attached.uid), None)
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
    if ip and ip != attached.ip and is_pod_ip(ip):
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
    if not is_pod_ip(ip):
        return Wait(f"the anchor {name} has the IP {ip}, which every network has: it cannot be a pod's")
    return Attach(Attached(name, pod["metadata"]["uid"], ip, status["containerID"]), is_ready(pod))


def _judge_unplaced(pod: Pod) -> Verdict:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        return Unschedulable(f"the anchor {pod['metadata']['name']}: {scheduled.get('message', 'unschedulable')}")
    return Wait(f"the anchor {pod['metadata']['name']} is not scheduled yet")


def _is_live(pod: Pod) -> bool:
    finished = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not is_leaving(pod) and not finished


def _end_of_life(pod: Pod) -> str:
    return "being deleted" if is_leaving(pod) else str(pod["status"]["phase"]).lower()


def _ip(pod: Pod) -> str:
    return str(pod.get("status", {}).get("podIP") or "")


def _condition(pod: Pod, kind: str) -> dict[str, Any]:
    conditions = pod.get("status", {}).get("conditions") or []
    return next((condition for condition in conditions if condition.get("type") == kind), {})


def _container(pod: Pod) -> dict[str, Any]:
    """Return the anchor's own container: a mesh may have put its proxy before it."""
    containers = pod["spec"].get("containers") or [{}]
    return next((one for one in containers if one.get("name") == ANCHOR_CONTAINER), containers[0])


def _container_status(pod: Pod) -> dict[str, Any]:
    own = _container(pod).get("name", "")
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return next((status for status in statuses if status.get("name") == own), {})


def _is_running(status: dict[str, Any]) -> bool:
    return "running" in (status.get("state") or {}) and bool(status.get("containerID"))


def _why_waiting(status: dict[str, Any]) -> str:
    waiting = (status.get("state") or {}).get("waiting") or {}
    return f" ({waiting['reason']})" if waiting.get("reason") else ""
