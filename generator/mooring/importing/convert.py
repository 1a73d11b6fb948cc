"""Turn one pair into values of an App, with an account of what became of every field of its two manifests."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mooring._rules import is_absolute, is_reserved_env, launcher_grace_s
from mooring._values import ENV_NAME

from .manifests import Fields, Leftover, Object, dig
from .pairs import Pair, Workload
from .probes import convert_probes
from .volumes import convert_volumes, drop_token

_WINDOWS = {"kubernetes.io/os": "windows"}
_SYSTEM = r"NT AUTHORITY\SYSTEM"
_WAIT_TREE = "-wait-tree is target.lifetime: tree; if the first process exits with 0, the exit code is the last one's"
_MOST_REPLICAS, _MOST_START = 1000, 9999
_LEAST_GRACE_S = launcher_grace_s(
    {
        "platform": "windows",
        "stop": {"drainSeconds": 20, "command": [], "commandSeconds": 30, "consoleSeconds": 30, "windowSeconds": 10},
    }
)

# What says nothing: Kubernetes' own defaults, and what the API server adds to an object it gives out.
_SERVER_METADATA = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "ownerReferences",
    "generateName",
]
_SERVER_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")
_POD_DEFAULTS: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("restartPolicy",): ("Always",),
    ("dnsPolicy",): ("ClusterFirst", "ClusterFirstWithHostNet"),
    ("schedulerName",): ("default-scheduler",),
    ("enableServiceLinks",): (True, False),
    ("preemptionPolicy",): ("PreemptLowerPriority",),
    ("priority",): (),
    ("serviceAccount",): (),
    ("os", "name"): ("windows",),
}
_CONTAINER_DEFAULTS: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("terminationMessagePath",): ("/dev/termination-log",),
    ("terminationMessagePolicy",): ("File",),
    ("securityContext", "windowsOptions", "hostProcess"): (),
    ("securityContext", "windowsOptions", "runAsUserName"): (_SYSTEM,),
}
_OWNER_DEFAULTS: dict[tuple[str, ...], tuple[Any, ...]] = {
    ("selector",): (),
    ("progressDeadlineSeconds",): (600,),
    ("revisionHistoryLimit",): (10,),
    ("minReadySeconds",): (0,),
    ("podManagementPolicy",): ("Parallel",),
    ("persistentVolumeClaimRetentionPolicy", "whenDeleted"): ("Retain",),
    ("persistentVolumeClaimRetentionPolicy", "whenScaled"): ("Retain",),
    ("updateStrategy", "type"): ("RollingUpdate",),
    ("updateStrategy", "rollingUpdate", "partition"): (0,),
    ("strategy", "type"): ("RollingUpdate",),
    ("strategy", "rollingUpdate", "maxSurge"): ("25%",),
    ("strategy", "rollingUpdate", "maxUnavailable"): ("25%",),
}


@dataclass(slots=True)
class Converted:
    """What became of one pair. `args` and `env` are apart, because replicas may differ in them."""

    pair: Pair
    values: Object = field(default_factory=dict)
    args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    replicas: int = 1
    start: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    """Named ports of its containers: what a Service's targetPort may mean."""
    declared: list[tuple[str, int, str]] = field(default_factory=list)
    """Ports that the pair's own containers declare: name or nothing, number, protocol."""
    foreign_ports: set[int] = field(default_factory=set)
    """Ports of other containers in the anchor."""
    changes: list[tuple[str, str]] = field(default_factory=list)
    """What is different now: a place, and a sentence."""
    leftovers: list[Leftover] = field(default_factory=list)

    def put(self, value: Any, *keys: str) -> None:
        """Set one of the values, unless it is empty."""
        if value in (None, "", [], {}):
            return
        parent = self.values
        for key in keys[:-1]:
            parent = parent.setdefault(key, {})
        parent[keys[-1]] = value

    def change(self, place: str, text: str) -> None:
        """Note what is different now."""
        self.changes.append((place, text))


def convert_pair(pair: Pair) -> Converted:
    """Make values of a pair. Raises InputError for fields of a shape that Kubernetes would refuse too."""
    made = Converted(pair)
    anchor = Workload(pair.anchor.manifest)  # as read: an anchor may have been converted before, for another launcher
    _convert_launch(made)
    _convert_pods(made, pair.launcher, anchor)
    _convert_owner(made, pair.launcher)
    _convert_anchor(made, anchor)  # first: a probe may mean a port by the name that the anchor gives it
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
    if launch.waits_for_tree:
        made.put("tree", "target", "lifetime")
        made.change(container.place("command"), _WAIT_TREE)
    for text in launch.changes:
        made.change(container.place("command"), text)


def _convert_pods(made: Converted, launcher: Workload, anchor: Workload) -> None:
    """Take what one value sets for both halves: a node must fit both."""
    node = {**launcher.pod.strings("nodeSelector"), **anchor.pod.strings("nodeSelector")}
    made.put({key: value for key, value in node.items() if (key, value) not in _WINDOWS.items()}, "nodeSelector")
    tolerations = launcher.pod.sequence("tolerations")
    tolerations += [each for each in anchor.pod.sequence("tolerations") if each not in tolerations]
    made.put([each for each in tolerations if not _is_automatic(each)], "tolerations")
    secrets = [*launcher.pod.sequence("imagePullSecrets"), *anchor.pod.sequence("imagePullSecrets")]
    names = [each.get("name") for each in secrets if isinstance(each, dict)]
    made.put(list(dict.fromkeys(name for name in names if isinstance(name, str))), "imagePullSecrets")
    classes = {half.pod.text("priorityClassName"): half for half in (anchor, launcher)}
    classes.pop("", None)
    if len(classes) == 2:
        place = launcher.pod.place("priorityClassName")
        made.change(place, f"both halves have one priority class now, {next(iter(classes))}")
    made.put(next(iter(classes), ""), "priorityClassName")
    for workload in (launcher, anchor):
        _drop(workload.pod, _POD_DEFAULTS)
        _drop_metadata(workload)
        if workload.manifest.is_live:
            workload.pod.drop(("nodeName",))  # where the scheduler put it


def _is_automatic(toleration: object) -> bool:
    """Tell whether Kubernetes itself adds a toleration to every pod (DefaultTolerationSeconds)."""
    key = toleration.get("key") if isinstance(toleration, dict) else None
    return key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def _drop(fields: Fields, defaults: dict[tuple[str, ...], tuple[Any, ...]]) -> None:
    for keys, values in defaults.items():
        fields.drop(keys, *values)


def _drop_metadata(workload: Workload) -> None:
    """Drop what names the object, what the API server adds, and labels that are the pods' own."""
    workload.fields.drop(("apiVersion",))
    workload.fields.drop(("kind",))
    workload.fields.drop(("status",))
    for meta in {id(meta): meta for meta in (workload.object_meta, workload.meta)}.values():
        for key in ("name", "namespace", *_SERVER_METADATA):
            meta.drop((key,))
        for key in _SERVER_ANNOTATIONS:
            meta.drop(("annotations", key))
    if workload.meta is not workload.object_meta:
        for key, value in workload.labels.items():
            workload.object_meta.drop(("labels", key), value)


def _convert_owner(made: Converted, launcher: Workload) -> None:
    """Take the number of replicas, and how they roll."""
    own = launcher.own
    replicas = own.number("replicas")
    made.replicas = 1 if replicas is None else replicas
    if not 0 <= made.replicas <= _MOST_REPLICAS:
        own.refuse(f"found {made.replicas}; an App has 0 to {_MOST_REPLICAS}", "replicas")
    made.start = own.number("ordinals", "start") or 0
    if not 0 <= made.start <= _MOST_START:
        own.refuse(f"found {made.start}; an App's ordinals start at 0 to {_MOST_START}", "ordinals", "start")
    if made.pair.is_set:
        made.put(own.number("minReadySeconds") or None, "minReadySeconds")
        made.put(own.sequence("volumeClaimTemplates"), "volumeClaimTemplates")
    _drop(own, _OWNER_DEFAULTS)
    if made.replicas > 1 and not made.pair.is_set:
        text = (
            f"its {made.replicas} replicas shared one anchor, its IP and its ports; now each has an anchor of its own"
        )
        made.change(own.place("replicas"), text)


def _convert_launcher(made: Converted) -> None:
    pair = made.pair
    container, pod, workload = pair.container, pair.launcher.pod, pair.launcher
    pod.drop(("hostNetwork",))
    _convert_account(made, workload)
    container.drop(("name",))
    made.put(_image(made, container), "launcher", "image")
    made.put(container.mapping("resources"), "launcher", "resources")
    own = parse_labels(pair)
    made.put({k: v for k, v in workload.labels.items() if k not in own}, "launcher", "podLabels")
    made.put(_annotations(workload), "launcher", "podAnnotations")
    made.put(container.text("workingDir"), "target", "workingDir")
    _convert_environment(made)
    _take_ports(made, container)
    convert_volumes(made, pod, container, pair.launch.script)
    convert_probes(made, container)
    _convert_stop(made, pod, container)
    affinity = pod.child("affinity")
    made.put(affinity.mapping("nodeAffinity"), "affinity", "nodeAffinity")
    _drop(container, _CONTAINER_DEFAULTS)


def parse_labels(pair: Pair) -> set[str]:
    """Return the keys of labels that say whose the launcher's pods are: the selector of what makes them."""
    labels = dig(pair.launcher.manifest.value, "spec", "selector", "matchLabels")
    return set(labels) if isinstance(labels, dict) else {"app"}


def _convert_account(made: Converted, workload: Workload) -> None:
    """Take the account the launcher runs as on the node, and the one it has in the cluster."""
    for key, value in workload.options.items():
        user = key == "runAsUserName"
        if key == "hostProcess" or (user and str(value).casefold() == _SYSTEM.casefold()):
            continue
        why = "the launcher, and so the program, runs as SYSTEM: target.runAs is not supported yet" if user else ""
        made.leftovers.append(workload.pod.leftover(value, why, "securityContext", "windowsOptions", key))
    account = workload.pod.text("serviceAccountName")
    if account and account != "default":
        made.put({"create": False, "name": account}, "serviceAccount")
        text = f"the chart binds its Role to the account {account}; leave serviceAccount out for one of the chart's own"
        made.change(workload.pod.place("serviceAccountName"), text)


def _annotations(workload: Workload) -> dict[str, str]:
    return {k: v for k, v in workload.meta.strings("annotations").items() if k not in _SERVER_ANNOTATIONS}


def _image(made: Converted, container: Fields) -> Object:
    """Take an image reference apart into registry, repository, tag and digest."""
    text = container.text("image")
    policy = container.text("imagePullPolicy")
    if policy not in ("", "IfNotPresent", "Always", "Never"):
        container.refuse(f"found {policy!r}; must be IfNotPresent, Always or Never", "imagePullPolicy")
    rest, _, digest = text.partition("@")
    if digest and not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        made.leftovers.append(container.leftover(text, "an image's digest is sha256: and 64 hex digits", "image"))
        return {}
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    registry, _, path = head.partition("/")
    if slash and ("." in registry or ":" in registry or registry == "localhost"):
        repository = f"{path}/{last}" if path else last
    else:
        registry, repository = "", f"{head}{slash}{last}"
    parts = {"registry": registry, "repository": repository, "tag": tag, "digest": digest, "pullPolicy": policy}
    return {key: value for key, value in parts.items() if value and (key, value) != ("pullPolicy", "IfNotPresent")}


def _convert_environment(made: Converted) -> None:
    environment, container = made.pair.environment, made.pair.container
    made.put(environment.sources, "envFrom")
    names = [str(each.get("name", "")) for each in environment.indirect]
    made.put([each for each in environment.indirect if not is_reserved_env(str(each.get("name", "")))], "extraEnv")
    for name in [*names, *environment.literal]:
        if is_reserved_env(name):
            made.change(container.place("env"), f"the variable {name} is mooring's own now: the launcher sets it")
    for name, value in environment.literal.items():
        if is_reserved_env(name):
            continue
        if re.fullmatch(ENV_NAME.strip("^$"), name):
            made.env[name] = value
        else:
            made.leftovers.append(container.leftover({name: value}, "no name of a variable", "env"))


def _take_ports(made: Converted, container: Fields) -> None:
    """Take the ports a container declares; those with a name can be what a Service or a probe means."""
    for port in container.children("ports"):
        number, name, protocol = port.number("containerPort"), port.text("name"), port.text("protocol") or "TCP"
        port.drop(("hostPort",), number)
        if number is None or protocol not in ("TCP", "UDP"):
            made.leftovers.append(port.leftover(port.value, "an App's ports have a number, and are TCP or UDP"))
            continue
        made.declared.append((name, number, protocol))
        if name:
            made.ports[name] = number


def _convert_stop(made: Converted, pod: Fields, container: Fields) -> None:
    """Take the hook and the grace: the stop ladder has a first rung for the one and needs more of the other."""
    command = dig(container.value, "lifecycle", "preStop", "exec", "command")
    if isinstance(command, list) and command and is_absolute(str(command[0]), "windows"):
        made.put(container.texts("lifecycle", "preStop", "exec", "command"), "stop", "command")
        place = container.place("lifecycle", "preStop")
        made.change(place, "the hook is stop.command now, run inside the compartment; its program has 30 s to end")
    grace = pod.number("terminationGracePeriodSeconds")
    least = _LEAST_GRACE_S + (30 if "stop" in made.values else 0)
    if grace is not None and grace >= least:
        made.put(grace, "terminationGracePeriodSeconds")
    elif grace not in (None, 30):
        why = f"a launcher needs at least {least} s: its drain, every rung of stop and 10 s"
        made.leftovers.append(pod.leftover(grace, why, "terminationGracePeriodSeconds"))


def _convert_anchor(made: Converted, anchor: Workload) -> None:
    pair, pod = made.pair, anchor.pod
    replicas = anchor.own.number("replicas")
    if not pair.is_set and replicas not in (None, 1):
        made.leftovers.append(anchor.own.leftover(replicas, "a label is to lead to one anchor", "replicas"))
    anchor.own.drop(("ordinals", "start"))
    _drop(anchor.own, _OWNER_DEFAULTS)
    pod.drop(("hostNetwork",), False)
    grace = pod.number("terminationGracePeriodSeconds")
    if grace not in (None, 30):
        why = "an anchor waits for its program: as long as that has to stop, and 10 s"
        made.leftovers.append(pod.leftover(grace, why, "terminationGracePeriodSeconds"))
    account = pod.text("serviceAccountName")
    if account not in ("", "default"):
        made.put({"create": False, "name": account}, "anchor", "serviceAccount")
    labels = {key for part in pair.launch.selector.split(",") for key in [part.partition("=")[0].strip()]}
    made.put({k: v for k, v in anchor.labels.items() if k not in labels}, "anchor", "podLabels")
    made.put(_annotations(anchor), "anchor", "podAnnotations")
    made.put(pod.mapping("securityContext"), "anchor", "securityContext")
    if not anchor.containers:
        pod.refuse("is missing: a pod has at least one container", "containers")
    first, *others = anchor.containers
    drop_token(pod, first)
    _convert_anchor_container(made, first)
    for other in others:
        ports = other.value.get("ports")
        for port in ports if isinstance(ports, list) else []:
            name, number = dig(port, "name"), dig(port, "containerPort")
            if isinstance(number, int):
                made.foreign_ports.add(number)
                made.ports.update({name: number} if isinstance(name, str) else {})
        made.values.setdefault("anchor", {}).setdefault("extraContainers", []).append(_whole(other))


def _whole(fields: Fields) -> Object:
    """Take a map with all that is in it."""
    value = dict(fields.value)
    for key in value:
        fields.take(key)
    return value


def _convert_anchor_container(made: Converted, container: Fields) -> None:
    container.drop(("name",))
    made.put(_image(made, container), "anchor", "image")
    made.put(container.mapping("resources"), "anchor", "resources")
    _take_ports(made, container)
    _drop(container, _CONTAINER_DEFAULTS)
