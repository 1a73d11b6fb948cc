"""Everything that goes wrong in a cluster, each as one function: for a test of its own, and for chaos to draw from.

A fault is brought about and, where it would last, taken back before the function returns. What must hold afterwards is
the same for all: `World.settle`.
"""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

from tests.cluster import control_plane, processes
from tests.cluster.cluster import Cluster
from tests.cluster.node import Node
from tests.cluster.release import PORT, READINESS_PORT, Pair, Release, fetch

Fault = Callable[["World"], None]

FAULTS: dict[str, Fault] = {}
"""Every fault by its name."""


def fault(function: Fault) -> Fault:
    """Add a function to FAULTS."""
    FAULTS[function.__name__.replace("_", "-")] = function
    return function


@dataclass
class World:
    """A release on our own cluster, and the dice."""

    cluster: Cluster
    release: Release
    replicas: int
    dice: random.Random = field(default_factory=random.Random)

    def pair(self) -> Pair:
        """Draw one of the pairs that are whole, once there is one."""
        release = self.release
        whole: list[Pair] = []

        def look() -> bool:
            whole[:] = [pair for _ordinal, pair in sorted(release.pairs().items()) if pair.is_whole]
            return bool(whole)

        release.mirror.wait(look, 120, "a whole pair to do something to")
        return self.dice.choice(whole)

    def node_of(self, pair: Pair) -> Node:
        """Return the node a pair is on."""
        return self.cluster.nodes[pair.node]

    def other_node(self, node: Node) -> Node:
        """Return the other node."""
        return next(each for each in self.cluster.nodes.values() if each.name != node.name)

    def launcher(self, pair: Pair) -> psutil.Process:
        """Return the launcher's process of a pair."""
        machine, pod = self.node_of(pair).machine, self.release.pod(pair.ordinal)
        return processes.only(lambda: processes.launchers(machine, self.release.namespace, pod), f"launcher of {pod}")

    def target(self, pair: Pair) -> psutil.Process:
        """Return the main process of a pair's program."""
        return processes.main_target(self.node_of(pair).machine, pair.ip)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the release's namespace."""
        return self.release.kube.kubectl("--namespace", self.release.namespace, *arguments).stdout

    def wait_not_ready(self, pair: Pair, timeout_s: float = 30) -> None:
        """Wait until the Service no longer sends traffic to a pair's IP."""
        release = self.release
        release.mirror.wait(
            lambda: pair.ip not in release.ready_endpoints(), timeout_s, f"{pair.ip} is no ready endpoint any more"
        )

    @contextlib.contextmanager
    def renewed(self, pod: str, timeout_s: float = 120) -> Iterator[None]:
        """Wait after the body until the API shows its effect: the pod ends, is another one, or has another container.

        Without it a fault would be over before anybody had noticed, and all would look well for nothing had happened.
        """
        before = self._made_of(pod)
        yield
        self.release.mirror.wait(lambda: self._made_of(pod) != before, timeout_s, f"{pod} is renewed")

    def _made_of(self, pod: str) -> tuple[object, ...]:
        found = self.release.mirror.pod(pod)
        if found is None:
            return ()
        containers = found["status"].get("containerStatuses", [])
        metadata = found["metadata"]
        return (metadata["uid"], metadata.get("deletionTimestamp"), *(each.get("containerID") for each in containers))

    def settle(self, timeout_s: float = 120) -> float:
        """Wait until every pair is whole and answers, and assert that nothing is left of what was before."""
        began = time.monotonic()
        while True:
            self.release.wait_whole(self.replicas, timeout_s)
            addresses = {pair.ip for pair in self.release.pairs().values()}
            # After an outage of the API the controllers may back off for a minute before they look again.
            self.release.wait_endpoints(addresses, max(began + timeout_s - time.monotonic(), 1))
            # A program that has just died is still Ready in the API until kubelet has asked again.
            silent = [pair.ordinal for pair in self.release.pairs().values() if not self._answers(pair)]
            if not silent:
                break
            assert time.monotonic() - began < timeout_s, f"Ready, but the programs of {silent} do not answer"
            time.sleep(0.1)
        took = time.monotonic() - began
        self.assert_no_orphans()
        return took

    @staticmethod
    def _answers(pair: Pair) -> bool:
        """Tell whether a pair's program answers; what answers must be its own."""
        try:
            said = fetch(pair.ip)
        except OSError:
            return False
        assert f"ordinal {pair.ordinal} " in said, f"{pair.ip} is answered by another ordinal's program: {said}"
        return True

    def assert_no_orphans(self, within_s: float = 10) -> None:
        """Assert that each node runs the programs and launchers of its pairs, once each, and nothing more of them."""
        deadline = time.monotonic() + within_s
        while problems := self._orphans():
            if time.monotonic() > deadline:
                raise AssertionError("; ".join(problems))
            time.sleep(0.2)

    def _orphans(self) -> list[str]:
        problems = []
        pairs = self.release.pairs().values()
        for node in self.cluster.nodes.values():
            here = [pair for pair in pairs if pair.node == node.name]
            addresses = {pair.ip for pair in here}
            mains = [
                process.environ().get("MOORING_ANCHOR_IP")
                for process in _living(processes.targets(node.machine))
                if process.environ().get("POD_NAMESPACE") == self.release.namespace
            ]
            strangers = [address for address in mains if address not in addresses]
            if strangers:
                problems.append(f"{node.name} runs programs of pairs that are not there: {strangers}")
            count = len(processes.launchers(node.machine, self.release.namespace))
            if count != len(here):
                problems.append(f"{node.name} runs {count} launchers for {len(here)} pairs")
            if processes.listens(node.machine.pid, PORT):
                problems.append(f"port {PORT} listens on {node.name} itself")
        return problems


def _living(found: list[psutil.Process]) -> list[psutil.Process]:
    living = []
    for process in found:
        with contextlib.suppress(psutil.Error, OSError):
            process.environ()
            living.append(process)
    return living


# -- pods -------------------------------------------------------------------------------------


@fault
def anchor_deleted(world: World) -> None:
    """Somebody deletes an anchor."""
    pod = world.release.anchor(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--wait=false")


@fault
def anchor_deleted_by_force(world: World) -> None:
    """Somebody deletes an anchor without grace."""
    pod = world.release.anchor(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--force", "--grace-period=0")


@fault
def anchor_evicted(world: World) -> None:
    """An anchor is evicted, as by a drain."""
    pod = world.release.anchor(world.pair().ordinal)
    with world.renewed(pod):
        deadline = time.monotonic() + 60
        # Refused with 429 while the budget has nothing to spare, as when another pair has not healed yet.
        while (answer := world.release.kube.evict(world.release.namespace, pod)) == 429:
            assert time.monotonic() < deadline, f"{pod} may not be evicted for a minute"
            time.sleep(1)
        assert answer in (201, 404), f"the eviction of {pod} was answered with {answer}"


@fault
def launcher_deleted(world: World) -> None:
    """Somebody deletes a launcher's pod."""
    pod = world.release.pod(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--wait=false")


@fault
def launcher_deleted_by_force(world: World) -> None:
    """Somebody deletes a launcher's pod without grace."""
    pod = world.release.pod(world.pair().ordinal)
    with world.renewed(pod):
        world.kubectl("delete", "pod", pod, "--force", "--grace-period=0")


@fault
def launcher_moved(world: World) -> None:
    """A launcher is created anew on the other node: the pair is split until its anchor follows."""
    pair = world.pair()
    with _cordoned(world, pair.node):
        world.kubectl("delete", "pod", world.release.pod(pair.ordinal), "--wait=false")
        other = world.other_node(world.node_of(pair)).name
        world.release.mirror.wait(
            lambda: world.release.pair(pair.ordinal).node == other, 60, f"launcher {pair.ordinal} is on {other}"
        )


@fault
def anchor_container_restarted(world: World) -> None:
    """The anchor's container ends and is started again in place: same pod, same IP."""
    pair = world.pair()
    assert pair.anchor is not None
    container = pair.anchor["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    machine = world.node_of(pair).machine
    with world.renewed(world.release.anchor(pair.ordinal)):
        machine.run(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container])


@fault
def anchor_sandbox_lost(world: World) -> None:
    """The sandbox of an anchor's pod dies: kubelet makes another, with another network namespace, for the same pod."""
    pair = world.pair()
    assert pair.anchor is not None
    machine = world.node_of(pair).machine
    uid = pair.anchor["metadata"]["uid"]
    shown = machine.run(
        [
            "ctr",
            "--namespace",
            "k8s.io",
            "containers",
            "list",
            "--quiet",  # before the filter: ctr reads whatever follows that as another one
            f'labels."io.kubernetes.pod.uid"=={uid},labels."io.cri-containerd.kind"==sandbox',
        ]
    )
    with world.renewed(world.release.anchor(pair.ordinal)):
        for sandbox in shown.split():
            machine.run(["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", sandbox])


@fault
def launchers_rolled_out(world: World) -> None:
    """The launcher set is rolled out."""
    world.kubectl("rollout", "restart", f"statefulset/{world.release.name}")
    world.kubectl("rollout", "status", f"statefulset/{world.release.name}", "--timeout=170s")


@fault
def anchors_rolled_out(world: World) -> None:
    """The anchor set is rolled out."""
    world.kubectl("rollout", "restart", f"statefulset/{world.release.name}-anchor")
    world.kubectl("rollout", "status", f"statefulset/{world.release.name}-anchor", "--timeout=170s")


@fault
def scaled_in_and_out(world: World) -> None:
    """The launcher set is scaled in, and out again before the anchors have gone."""
    world.release.scale(max(1, world.replicas - 2))
    time.sleep(world.dice.uniform(0, 6))
    world.release.scale(world.replicas)


# -- processes --------------------------------------------------------------------------------


@fault
def launcher_killed(world: World) -> None:
    """A launcher is killed, and its program with it."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        world.launcher(pair).kill()


@fault
def target_killed(world: World) -> None:
    """A program is killed."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        world.target(pair).kill()


@fault
def target_crashed(world: World) -> None:
    """A program ends by a signal of its own."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        world.target(pair).send_signal(signal.SIGSEGV)


@fault
def both_killed(world: World) -> None:
    """A launcher and its program are killed at once."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(psutil.NoSuchProcess):
        both = (world.target(pair), world.launcher(pair))
        for process in both:
            process.kill()


@fault
def target_ends_well(world: World) -> None:
    """A program ends with exit code 0, which for a server is no better than another."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(OSError):
        fetch(pair.ip, "/exit?code=0")


@fault
def target_fails(world: World) -> None:
    """A program ends with exit code 3."""
    pair = world.pair()
    with world.renewed(world.release.pod(pair.ordinal)), contextlib.suppress(OSError):
        fetch(pair.ip, "/exit?code=3")


@fault
def target_hangs(world: World) -> None:
    """A program answers no more; only the gate's HTTP check finds that out."""
    pair = world.pair()
    fetch(pair.ip, "/hang")
    world.wait_not_ready(pair)


@fault
def launcher_stopped_for_a_while(world: World) -> None:
    """A launcher stands still (SIGSTOP): its heartbeat goes stale, its pair unready; then it goes on."""
    pair = world.pair()
    process = world.launcher(pair)
    process.suspend()
    try:
        world.wait_not_ready(pair)
        time.sleep(world.dice.uniform(0, 5))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):  # kubelet may have had enough of it
            process.resume()


@fault
def port_stolen(world: World) -> None:
    """While a program is down something else listens on its port, in its compartment, for a few seconds."""
    pair = world.pair()
    machine = world.node_of(pair).machine
    assert pair.anchor is not None
    container = pair.anchor["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    shown = machine.run(["ctr", "--namespace", "k8s.io", "tasks", "list"])
    pid = next(line.split()[1] for line in shown.splitlines() if line.startswith(container))
    thief = (
        "import socket, time\n"
        "end = time.monotonic() + 15\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        f"        s = socket.create_server(('', {PORT}))\n"
        "        break\n"
        "    except OSError:\n"
        "        time.sleep(0.001)\n"
        "time.sleep(5)\n"
    )
    machine.start("nsenter", ["--target", pid, "--net", "--", "python3", "-c", thief])
    with contextlib.suppress(psutil.NoSuchProcess):
        world.target(pair).kill()
    world.wait_not_ready(pair)
    machine.wait("nsenter", 40)


# -- nodes ------------------------------------------------------------------------------------


@fault
def node_drained(world: World) -> None:
    """A node is drained, and taken back into service."""
    node = world.dice.choice(sorted(world.cluster.nodes))
    try:
        drain(world, node)
    finally:
        world.release.kube.kubectl("uncordon", node)


def drain(world: World, node: str, timeout_s: float = 170) -> float:
    """`kubectl drain`; returns the seconds it took."""
    began = time.monotonic()
    options = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={timeout_s:.0f}s", "--force"]
    selector = f"app.kubernetes.io/instance={world.release.name}"
    world.release.kube.kubectl("drain", node, *options, f"--pod-selector={selector}", timeout_s=timeout_s + 30)
    return time.monotonic() - began


@contextlib.contextmanager
def _cordoned(world: World, node: str) -> Iterator[None]:
    world.release.kube.kubectl("cordon", node)
    try:
        yield
    finally:
        world.release.kube.kubectl("uncordon", node)


@fault
def node_lost(world: World) -> None:
    """Kubelet and runtime of a node are killed; its pods run on, unseen, until both are back."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.kill("kubelet", "containerd")
    try:
        _wait_node(world, node.name, "Unknown")
        world.release.mirror.wait(lambda: _is_evicted(world, node.name), 60, f"the pods on {node.name} are to end")
    finally:
        node.start_runtime()
        node.start_kubelet()
    _wait_node(world, node.name, "True")


def _is_evicted(world: World, node: str) -> bool:
    """Tell whether every pod on a node has been told to end, though nobody there hears it."""
    pods = (pod for pod in world.release.mirror.all("pods").values() if pod["spec"].get("nodeName") == node)
    return all(pod["metadata"].get("deletionTimestamp") for pod in pods)


@fault
def node_unplugged(world: World) -> None:
    """A node loses its power, and boots again."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.unplug()
    _wait_node(world, node.name, "Unknown")
    world.cluster.start_node(node.name)
    _wait_node(world, node.name, "True", 120)


@fault
def kubelet_restarted(world: World) -> None:
    """A kubelet is killed and starts again."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.kill("kubelet")
    node.start_kubelet()
    lease = _lease(world, node.name)
    world.cluster.wait(lambda: _lease(world, node.name) != lease, 60, f"{node.name} renews its lease")


@fault
def runtime_restarted(world: World) -> None:
    """A container runtime is killed and starts again; containers run on."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    node.machine.kill("containerd")
    node.start_runtime()


@fault
def disk_full(world: World) -> None:
    """The disk with the launchers' state is full for a while: a healthy pair stays ready."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    healthy = {pair.ip for pair in world.release.pairs().values() if pair.node == node.name and pair.is_whole}
    filler = "/var/lib/kubelet/filler"
    node.machine.run(["sh", "-c", f"dd if=/dev/zero of={filler} bs=1M 2>/dev/null; true"])
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            lost = healthy - world.release.ready_endpoints()
            assert not lost, f"a full disk turned {lost} unready"
            time.sleep(0.2)
    finally:
        node.machine.run(["rm", "-f", filler])


def _lease(world: World, node: str) -> object:
    """Return when a kubelet was heard of last."""
    path = f"namespaces/kube-node-lease/leases/{node}"
    return world.release.kube.get(path, version="coordination.k8s.io/v1")["spec"]["renewTime"]


def _wait_node(world: World, name: str, status: str, timeout_s: float = 60) -> None:
    def has() -> bool:
        conditions = world.release.kube.get(f"nodes/{name}")["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == status for each in conditions)

    world.cluster.wait(has, timeout_s, f"{name} has Ready={status}")


# -- the API ----------------------------------------------------------------------------------


@fault
def api_restarted(world: World) -> None:
    """The API server is killed and starts again at once."""
    api_down(world, 0)


@fault
def api_gone_for_a_while(world: World) -> None:
    """The API server is gone for some seconds."""
    api_down(world, world.dice.uniform(5, 15))


def api_down(world: World, seconds: float) -> None:
    """Kill the API server, and start it again after a while."""
    world.cluster.control_plane.stop_api()
    time.sleep(seconds)
    world.cluster.control_plane.start_api()
    world.cluster.wait(lambda: control_plane.is_up(world.cluster.pki), 60, "the API answers again")


@fault
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
    finally:
        world.release.kube.kubectl("delete", "flowschema/none", "prioritylevelconfiguration/none")


@fault
def watch_cut(world: World) -> None:
    """Every connection of a node to the API is cut, and refused for a moment; meanwhile an anchor is deleted."""
    node = world.cluster.nodes[world.dice.choice(sorted(world.cluster.nodes))]
    rule = ["--protocol", "tcp", "--dport", str(control_plane.PORT), "--jump", "REJECT", "--reject-with", "tcp-reset"]
    node.machine.run(["iptables", "--wait", "--insert", "OUTPUT", *rule])
    try:
        anchor_deleted(world)
        time.sleep(world.dice.uniform(1, 4))
    finally:
        node.machine.run(["iptables", "--wait", "--delete", "OUTPUT", *rule])


@fault
def history_forgotten(world: World) -> None:
    """Etcd is compacted while the API is down: every watch that resumes is told 410, too old."""
    world.cluster.control_plane.stop_api()
    world.cluster.control_plane.compact()
    world.cluster.control_plane.start_api()
    world.cluster.wait(lambda: control_plane.is_up(world.cluster.pki), 60, "the API answers again")


def readiness_answers(ip: str) -> bool:
    """Tell whether a launcher says by itself that its gate holds."""
    try:
        fetch(ip, "/readyz", READINESS_PORT, timeout_s=1)
    except OSError:
        return False
    return True
