"""Turn one pair into values of an App, and account for every field of its two manifests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mooring.importing.manifests import Change, Fields, Leftover, Object, Place, dig
from mooring.importing.model import default, grace_s, is_key, refusal
from mooring.importing.pairs.found import Pair, Workload
from mooring.importing.programs.accounts import convert_account
from mooring.importing.programs.anchors import convert_anchor
from mooring.importing.programs.halves import (
    CONTAINER_DEFAULTS,
    OWNER_DEFAULTS,
    Defaults,
    convert_image,
    drop_defaults,
    drop_metadata,
    pod_annotations,
    pod_labels,
    take_ports,
)
from mooring.importing.programs.probes import convert_probes
from mooring.importing.programs.volumes import convert_volumes
from mooring.model.rules.paths import is_absolute
from mooring.model.rules.reserved import is_reserved_env

_WINDOWS = {"kubernetes.io/os": "windows"}
_KUBELET_GRACE_S = 30
"""A pod's default terminationGracePeriodSeconds (Kubernetes API, PodSpec)."""
_POD_DEFAULTS: Defaults = {
    ("restartPolicy",): ("Always",),
    ("dnsPolicy",): ("ClusterFirst", "ClusterFirstWithHostNet"),
    ("schedulerName",): ("default-scheduler",),
    ("enableServiceLinks",): (False,),
    ("preemptionPolicy",): ("PreemptLowerPriority",),
    ("priority",): (0,),
    ("os", "name"): ("windows",),
}
_AUTOMATIC_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for key in ("not-ready", "unreachable")
]
"""What Kubernetes itself adds to every pod (the admission plugin DefaultTolerationSeconds)."""
# Flags of cplauncher whose effect is different in an App; for the others only the mechanism is.
_FLAGS_THAT_DIFFER = ("-label-timeout ", "-env-name ", "-dry-run ", "-version ")
_WAIT_TREE = (
    "-wait-tree is now target.lifetime: tree; if the first process exits with 0, the last one's exit code counts"
)


@dataclass(slots=True)
class Converted:
    """One pair as values. `args` and `env` are kept apart, because replicas may differ in them."""

    pair: Pair
    values: Object = field(default_factory=dict)
    args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    replicas: int = 1
    start: int = 0
    launcher_ports: dict[str, int] = field(default_factory=dict)
    """Named ports of the program's container, for its probes."""
    anchor_ports: dict[str, int] = field(default_factory=dict)
    """Named ports of the anchor's containers."""
    declared: list[tuple[str, int, str]] = field(default_factory=list)
    """Ports that the pair's own containers declare: name or "", number, protocol."""
    foreign_ports: set[int] = field(default_factory=set)
    """Ports of the anchor's sidecars."""
    changes: list[Change] = field(default_factory=list)
    """What behaves differently now, and what has the same effect by other means."""
    leftovers: list[Leftover] = field(default_factory=list)

    def put(self, value: Any, *keys: str) -> None:
        """Set one of the values, unless it is empty."""
        if value in (None, "", [], {}):
            return
        parent = self.values
        for key in keys[:-1]:
            parent = parent.setdefault(key, {})
        parent[keys[-1]] = value

    def change(self, place: Place, text: str) -> None:
        """Report something that behaves differently now."""
        self.changes.append(Change(place, text))

    def note(self, place: Place, text: str) -> None:
        """Report something that the App does by other means, with the same effect."""
        self.changes.append(Change(place, text, is_same=True))

    def ports(self, *, of_launcher: bool) -> dict[str, int]:
        """Return ports by name, as one half's Service or probe resolves them; the other half's names come second."""
        halves = (self.anchor_ports, self.launcher_ports)
        return {**halves[0], **halves[1]} if of_launcher else {**halves[1], **halves[0]}


def convert_pair(pair: Pair) -> Converted:
    """Turn a pair into values. Raises InputError for fields that Kubernetes itself would reject."""
    made = Converted(pair)
    anchor = Workload(
        pair.anchor.manifest
    )  # a fresh copy: the anchor may have been converted already, for another launcher
    _convert_launch(made)
    _convert_pods(made, pair.launcher, anchor)
    _convert_owner(made, pair.launcher)
    convert_anchor(made, anchor)  # first: a probe may name a port of the anchor
    _convert_launcher(made)
    for workload in (pair.launcher, anchor):
        made.leftovers += workload.fields.rest()
    return made


def _convert_launch(made: Converted) -> None:
    launch, container = made.pair.launch, made.pair.container
    if not is_absolute(launch.exe, "windows"):
        container.refuse(
            f"starts {launch.exe!r}; an App needs the program's full path, such as C:\\apps\\orders.exe", "command"
        )
    made.put(launch.exe, "target", "exe")
    made.args = [*launch.args]
    place = container.place("command")
    for text in launch.changes:
        (made.change if text.startswith(_FLAGS_THAT_DIFFER) else made.note)(place, text)
    if launch.waits_for_tree:
        made.put("tree", "target", "lifetime")
        made.note(place, _WAIT_TREE)


def _convert_pods(made: Converted, launcher: Workload, anchor: Workload) -> None:
    """Take what one value sets for both halves, since they share a node."""
    node = launcher.pod.strings("nodeSelector")
    for key, value in anchor.pod.strings("nodeSelector").items():
        if node.setdefault(key, value) != value:
            anchor.pod.refuse(
                f"found {value!r}, but {launcher.manifest.title} wants {node[key]!r}; no node fits both halves: "
                "correct one of them",
                "nodeSelector",
                key,
            )
    made.put({key: value for key, value in node.items() if (key, value) not in _WINDOWS.items()}, "nodeSelector")
    tolerations = launcher.pod.sequence("tolerations")
    tolerations += [each for each in anchor.pod.sequence("tolerations") if each not in tolerations]
    made.put([each for each in tolerations if each not in _AUTOMATIC_TOLERATIONS], "tolerations")
    secrets = [*launcher.pod.children("imagePullSecrets"), *anchor.pod.children("imagePullSecrets")]
    names = [each.text("name") for each in secrets]
    made.put(list(dict.fromkeys(name for name in names if name)), "imagePullSecrets")
    classes = {half.pod.text("priorityClassName"): half for half in (anchor, launcher)}
    classes.pop("", None)
    if len(classes) == 2:
        place = launcher.pod.place("priorityClassName")
        made.change(place, f"both halves now have the same priority class, {next(iter(classes))}")
    made.put(next(iter(classes), ""), "priorityClassName")
    for workload in (launcher, anchor):
        drop_defaults(workload.pod, _POD_DEFAULTS)
        drop_metadata(workload)
        if workload.manifest.is_live:
            workload.pod.drop(("nodeName",))  # the scheduler set it
            workload.pod.drop(("enableServiceLinks",))  # the API server set it, and the class's priority
            workload.pod.drop(("priority",))
        elif workload.pod.flag("enableServiceLinks"):
            text = "an App's pods do not get the environment variables of the namespace's Services; use their DNS names"
            made.change(workload.pod.place("enableServiceLinks"), text)


def _convert_owner(made: Converted, launcher: Workload) -> None:
    """Take the number of replicas and the rollout settings."""
    own = launcher.own
    replicas = own.number("replicas")
    made.replicas = 1 if replicas is None else replicas
    made.start = own.number("ordinals", "start") or 0
    for value, keys in ((made.replicas, ("replicas",)), (made.start, ("ordinals", "start"))):
        wrong = refusal(value, *keys)
        if wrong:
            own.refuse(f"{wrong} in an App", *keys)
    if made.pair.is_set:
        made.put(own.number("minReadySeconds") or None, "minReadySeconds")
        made.put(own.sequence("volumeClaimTemplates"), "volumeClaimTemplates")
        if own.value.get("podManagementPolicy") in (None, "OrderedReady"):
            own.drop(("podManagementPolicy",))
            made.change(
                own.place("podManagementPolicy"), "its pods used to start one after another; now they all start at once"
            )
    drop_defaults(own, OWNER_DEFAULTS)
    if made.replicas > 1 and not made.pair.is_set:
        text = f"its {made.replicas} replicas shared one anchor, its IP and its ports; each now has its own anchor"
        made.change(own.place("replicas"), text)


def _convert_launcher(made: Converted) -> None:
    pair = made.pair
    container, pod, workload = pair.container, pair.launcher.pod, pair.launcher
    pod.drop(("hostNetwork",))
    convert_account(made, pod, container)
    _convert_service_account(made, pod)
    container.drop(("name",))
    convert_image(made, container, "launcher")
    made.put(container.mapping("resources"), "launcher", "resources")
    made.put(pod_labels(made, workload, parse_labels(pair)), "launcher", "podLabels")
    made.put(pod_annotations(workload), "launcher", "podAnnotations")
    working_dir = container.text("workingDir")
    made.put(pair.launch.working_dir or working_dir, "target", "workingDir")
    _convert_environment(made)
    take_ports(made, container, made.launcher_ports, on_node=True)
    convert_volumes(made, pod, container, pair.launch.script)
    convert_probes(made, container)
    _convert_stop(made, pod, container)
    affinity = pod.child("affinity")
    made.put(affinity.mapping("nodeAffinity"), "affinity", "nodeAffinity")
    drop_defaults(container, CONTAINER_DEFAULTS)


def parse_labels(pair: Pair) -> set[str]:
    """Return the keys of the labels by which the launcher's owner selects its pods."""
    labels = dig(pair.launcher.manifest.value, "spec", "selector", "matchLabels")
    return set(labels) if isinstance(labels, dict) else {"app"}


def _convert_service_account(made: Converted, pod: Fields) -> None:
    """Take the launcher's ServiceAccount; the field serviceAccount is its deprecated alias."""
    account = pod.text("serviceAccountName") or pod.text("serviceAccount")
    pod.drop(("serviceAccount",), account)
    if account and account != "default":
        made.put({"create": False, "name": account}, "serviceAccount")
        text = f"the chart binds its Role to ServiceAccount {account}; leave serviceAccount out for the chart's own"
        made.note(pod.place("serviceAccountName"), text)


def _convert_environment(made: Converted) -> None:
    environment, container = made.pair.environment, made.pair.container
    made.put(environment.sources, "envFrom")
    names = [str(each.get("name", "")) for each in environment.indirect]
    made.put([each for each in environment.indirect if not is_reserved_env(str(each.get("name", "")))], "extraEnv")
    for name in [*names, *environment.literal]:
        if is_reserved_env(name):
            made.change(container.place("env"), f"the variable {name} is reserved for mooring: the launcher sets it")
    for name, value in environment.literal.items():
        if is_reserved_env(name):
            continue
        if is_key(name, "target", "env"):
            made.env[name] = value
        else:
            made.leftovers.append(container.leftover({name: value}, "not a valid variable name", "env"))


def _convert_stop(made: Converted, pod: Fields, container: Fields) -> None:
    """Take the hooks and the grace period: the stop ladder runs the hook first and needs a longer grace period."""
    made.put(container.mapping("lifecycle", "postStart"), "lifecycle", "postStart")
    command = dig(container.value, "lifecycle", "preStop", "exec", "command")
    if isinstance(command, list) and command and is_absolute(str(command[0]), "windows"):
        made.put(container.texts("lifecycle", "preStop", "exec", "command"), "stop", "command")
        place = container.place("lifecycle", "preStop")
        seconds = default("stop", "commandSeconds")
        text = f"the hook is now stop.command, which runs inside the compartment and has {seconds} s to finish"
        made.note(place, text)
    elif dig(container.value, "lifecycle", "preStop"):
        why = "stop.command needs a program's full path; apart from it the rungs of stop end the program"
        hook = container.mapping("lifecycle", "preStop")
        made.leftovers.append(container.leftover(hook, why, "lifecycle", "preStop"))
    grace = pod.number("terminationGracePeriodSeconds")
    least = grace_s(made.values)
    if grace is not None and grace >= least:
        made.put(grace, "terminationGracePeriodSeconds")
    elif grace not in (None, _KUBELET_GRACE_S):
        why = f"a launcher needs at least {least} s: its drain, every rung of stop and 10 s more"
        made.leftovers.append(pod.leftover(grace, why, "terminationGracePeriodSeconds"))
