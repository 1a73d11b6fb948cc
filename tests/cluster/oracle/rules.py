"""The rules, as pure functions: a picture and the time in, violations out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.cluster.oracle.picture import Config, Picture, Pod, Program, belong_together

SLACK_S = 1.0
"""Time allowed on top of kubelet's own: for the API, the EndpointSlice controller, kube-proxy."""

BACK_OFF_FORGOTTEN_S = 120.0
"""A watcher that has not failed for this long restarts with the shortest delay (client-go's reflector)."""
_KUBELET_TRIES_AGAIN_S = 10.0
"""Kubelet retries a status update that failed after at most this time (syncPeriod of its status manager)."""
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.8, 30.0
"""client-go's reflector, by which controllers and kube-proxy watch: the first delay and the longest. Each is twice the
one before, plus a random part of up to its own length."""


def others_are_back_s(without_s: float) -> float:
    """Return by when kubelet and every watcher have retried, after so many seconds without the API.

    A watcher's past delays add up to no more than the outage; the last one is at most twice as long as these together
    plus the first delay.
    """
    watchers_s = min(2 * (without_s + _FIRST_DELAY_S), 2 * _LONGEST_DELAY_S)
    return max(watchers_s, _KUBELET_TRIES_AGAIN_S)


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong. Two looks see the same violation if all but the sentence is equal."""

    rule: str
    namespace: str
    pods: tuple[str, ...]
    sentence: str = field(compare=False)


def judge(picture: Picture, now_s: float) -> set[Violation]:
    """Return everything that is wrong in this picture. `now_s` is on the clock of the silences."""
    on_nodes = {*_crowds(picture), *_strangers(picture), *_host_ports(picture)}
    return {*_splits(picture), *on_nodes, *_silences(picture, now_s)}


def _splits(picture: Picture) -> Iterator[Violation]:
    """Find Ready pairs on two nodes. Pods that are being deleted count as long as they are Ready."""
    ready = [pod for pod in picture.pods.values() if pod.ready]
    by_release: dict[tuple[str, str], list[Pod]] = defaultdict(list)
    for pod in ready:
        if pod.component == "anchor":
            by_release[pod.release].append(pod)
    for launcher in ready:
        if launcher.component != "launcher":
            continue
        # Foreign anchors have labels of their own.
        foreign = bool(launcher.config and launcher.config.selector)
        for anchor in ready if foreign else by_release[launcher.release]:
            if anchor.node != launcher.node and belong_together(launcher, anchor):
                places = f"{launcher.name} on {launcher.node}, {anchor.name} on {anchor.node}"
                names = (launcher.name, anchor.name)
                yield Violation("split", launcher.namespace, names, f"a Ready pair is split: {places}")


def _crowds(picture: Picture) -> Iterator[Violation]:
    """Find network namespaces with programs of two launchers, or of two containers of one."""
    for netns, programs in _by_namespace(picture).items():
        lives = {(p.pod_uid, p.container) for p in programs}
        if len(lives) < 2:
            continue
        uids = {uid for uid, _ in lives}
        pods = sorted((picture.known[uid] for uid in uids), key=lambda pod: (pod.namespace, pod.name, pod.uid))
        together = {pod.release for pod in pods}
        allowed = len(together) == 1 and all((pod.config or Config()).strategy == "shared" for pod in pods)
        if len(lives) > len(uids) or not allowed:
            whose = ", ".join(f"{picture.known[p.pod_uid]} (process {p.pid})" for p in sorted(programs, key=_by_pid))
            sentence = f"programs of {len(lives)} launchers run in network namespace {netns}: {whose}"
            yield Violation("shared", pods[0].namespace, tuple(pod.name for pod in pods), sentence)


def _strangers(picture: Picture) -> Iterator[Violation]:
    """Find programs in the network namespace of an anchor that is not their launcher's."""
    anchors: dict[int, set[str]] = defaultdict(set)
    for program in picture.programs:
        pod = picture.known.get(program.pod_uid)
        if pod is not None and pod.component != "launcher":
            anchors[program.netns].add(program.pod_uid)
    for netns, programs in _by_namespace(picture).items():
        owners = [picture.known[uid] for uid in anchors[netns]]
        for launcher in {picture.known[p.pod_uid] for p in programs}:
            for owner in owners:
                if not belong_together(launcher, owner):
                    sentence = f"the program of {launcher} runs in the network of {owner}"
                    yield Violation("wrong-anchor", launcher.namespace, (launcher.name, owner.name), sentence)


def _host_ports(picture: Picture) -> Iterator[Violation]:
    """Find target or readiness ports that a launcher's processes opened in a node's own namespace."""
    for listener in picture.host_listeners:
        launcher = picture.known.get(listener.pod_uid)
        if launcher is None or launcher.component != "launcher":
            continue
        if listener.port in (launcher.config or Config()).ports:
            number, protocol = listener.port
            where = f"{protocol} port {number} of the host network of {listener.node}"
            sentence = f"process {listener.pid} of {launcher} listens on {where}"
            yield Violation("host-port", launcher.namespace, (launcher.name,), sentence)


def _silences(picture: Picture, now_s: float) -> Iterator[Violation]:
    """Find addresses that get traffic and have been silent longer than kubelet needs to notice."""
    for silence in picture.silences:
        anchor = picture.known.get(silence.endpoint.pod_uid)
        if anchor is None:
            continue
        limit_s = anchor.patience_s + SLACK_S
        if now_s - silence.since_s > limit_s:
            address = f"{silence.endpoint.ip}:{silence.endpoint.port} of Service {silence.endpoint.service}"
            sentence = f"{address} gets traffic and has not answered for more than {limit_s:g} s: {silence.heard}"
            yield Violation("endpoint", anchor.namespace, (anchor.name,), sentence)


def _by_namespace(picture: Picture) -> dict[int, list[Program]]:
    """Group what launchers run outside the nodes' own namespaces, which the launchers themselves never leave."""
    found: dict[int, list[Program]] = defaultdict(list)
    for program in picture.programs:
        pod = picture.known.get(program.pod_uid)
        if program.netns not in picture.host_namespaces and pod is not None and pod.component == "launcher":
            found[program.netns].append(program)
    return found


def _by_pid(program: Program) -> int:
    return program.pid
