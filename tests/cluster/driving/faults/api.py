"""An API server that is down, refuses, forgets, or answers nonsense."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.cluster.driving.faults.pods import anchor_deleted
from tests.cluster.driving.faults.programs import launcher_killed
from tests.cluster.driving.faults.registry import fault
from tests.cluster.driving.faults.world import World
from tests.cluster.driving.garbage import GarbageServer
from tests.cluster.stack import control_plane


@fault()
def api_restarted(world: World) -> None:
    """The API server is killed and starts again at once."""
    _without_api(world, lambda: None)


@fault()
def api_gone_for_a_while(world: World) -> None:
    """The API server is down for some seconds."""
    _without_api(world, lambda: time.sleep(world.dice.uniform(5, 15)))


@fault()
def history_forgotten(world: World) -> None:
    """Etcd is compacted while the API is down: every watch that resumes gets 410, too old."""
    _without_api(world, world.cluster.control_plane.compact)


def _without_api(world: World, act: Callable[[], None]) -> None:
    """Kill the API server, do something, and start it again."""
    began = time.monotonic()
    world.cluster.control_plane.stop_api()
    try:
        act()
    finally:
        world.cluster.control_plane.start_api()
    world.cluster.wait(lambda: control_plane.is_up(world.cluster.pki), 60, "the API answers again")
    world.note_outage(time.monotonic() - began)


@fault(lasts=True)
def api_refuses_launchers(world: World) -> None:
    """The API answers 429 to every ServiceAccount of the namespace, by its own priority and fairness."""
    group = f"system:serviceaccounts:{world.release.namespace}"
    version = "flowcontrol.apiserver.k8s.io/v1"
    level = {
        "apiVersion": version,
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": "none"},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "namespaces": ["*"], "clusterScope": True}
    schema = {
        "apiVersion": version,
        "kind": "FlowSchema",
        "metadata": {"name": "none"},
        "spec": {
            "matchingPrecedence": 2,
            "priorityLevelConfiguration": {"name": "none"},
            "rules": [{"subjects": [{"kind": "Group", "group": {"name": group}}], "resourceRules": [rule]}],
        },
    }
    world.release.kube.apply(level, schema)
    try:
        launcher_killed(world)
        time.sleep(world.dice.uniform(3, 8))
        world.meanwhile()
    finally:
        world.release.kube.kubectl("delete", "flowschema/none", "prioritylevelconfiguration/none")


@fault()
def watch_cut(world: World) -> None:
    """A node's connections to the API are cut, and refused for a moment; meanwhile an anchor is deleted."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    rule = ["--protocol", "tcp", "--dport", str(control_plane.PORT), "--jump", "REJECT", "--reject-with", "tcp-reset"]
    node.machine.run(["iptables", "--wait", "--insert", "OUTPUT", *rule])
    began = time.monotonic()
    try:
        anchor_deleted(world)
        time.sleep(world.dice.uniform(1, 4))
    finally:
        node.machine.run(["iptables", "--wait", "--delete", "OUTPUT", *rule])
        world.note_outage(time.monotonic() - began)


@fault(lasts=True)
def api_talks_nonsense(world: World) -> None:
    """A node's launchers get only nonsense from the API, with a valid certificate: every program keeps running."""
    node = world.node_of(world.pair())  # all pairs may be on the other one
    there = [pair for pair in world.release.pairs().values() if pair.is_whole and pair.node == node.name]
    before = {pair.ordinal: world.target(pair).pid for pair in there}
    with GarbageServer(world.cluster.pki, world.dice) as server:
        # Only launchers use the Service's address; kubelet and kube-proxy connect to the API server itself.
        asked = ["--destination", control_plane.SERVICE_ADDRESS, "--protocol", "tcp", "--dport", "443"]
        rule = [*asked, "--jump", "DNAT", "--to-destination", f"{server.ip}:{server.port}"]
        node.machine.run(["iptables", "--wait", "--table", "nat", "--insert", "OUTPUT", *rule])
        try:
            node.machine.run(["ss", "--kill", "dst", control_plane.SERVICE_ADDRESS])
            # Each launcher has at most two watches, and retries after at most 30 s.
            world.cluster.wait(lambda: server.answers >= 4 * len(there), 90, "the launchers get nonsense")
            after = {pair.ordinal: world.target(pair).pid for pair in there}
            assert after == before, f"nonsense ended programs: {before} became {after}"
            world.meanwhile()
        finally:
            node.machine.run(["iptables", "--wait", "--table", "nat", "--delete", "OUTPUT", *rule])
    assert server.kinds, "no request arrived"
