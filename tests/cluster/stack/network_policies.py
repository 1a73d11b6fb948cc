"""NetworkPolicies enforced by Kubernetes' own implementation, as a daemon of each node.

It answers a netfilter queue with a verdict on each packet. Its own rules send packets there with the `queue` expression
of nftables, which not every kernel has; where it is missing the daemon logs that and answers all the same. The same
rules are therefore made here with iptables' NFQUEUE target. Where both work, a packet gets the same verdict twice.

Verdicts are on a connection's first packet: a policy that comes later ends no open connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.cluster.stack.cluster import Cluster
from tests.cluster.stack.control_plane import POD_RANGE
from tests.cluster.stack.machines import Machine

_NAME = "kube-network-policies"
_QUEUE = 100
_CHAIN = "NETWORK-POLICIES"

# Connections of the node's own root pass, as in the daemon's own rules: probes are among them.
_RULES = f"""\
*mangle
:{_CHAIN} - [0:0]
-A {_CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
-A {_CHAIN} -s {POD_RANGE} -j NFQUEUE --queue-num {_QUEUE}
-A {_CHAIN} -d {POD_RANGE} -j NFQUEUE --queue-num {_QUEUE}
-A POSTROUTING -m owner ! --uid-owner 0 -j {_CHAIN}
-A INPUT ! -i lo -s {POD_RANGE} -j {_CHAIN}
COMMIT
"""


@contextmanager
def network_policies(cluster: Cluster) -> Iterator[None]:
    """Enforce NetworkPolicies on every node during the block."""
    with ExitStack() as stack:
        for node in cluster.nodes.values():
            stack.enter_context(_enforced(cluster, node.machine))
        yield


@contextmanager
def _enforced(cluster: Cluster, machine: Machine) -> Iterator[None]:
    options = {
        "kubeconfig": cluster.pki.kubeconfig("admin"),
        "hostname-override": machine.name,
        "nfqueue-id": _QUEUE,
        "metrics-bind-address": "127.0.0.1:9080",
        "disable-nri": "true",
        # Needs connection labels, which not every kernel lets a queue set.
        "strict-mode": "false",
    }
    machine.start(_NAME, [f"-{name}={value}" for name, value in options.items()])
    try:
        cluster.wait(lambda: _answers(machine), 60, f"{_NAME} answers its queue on {machine.name}")
        # Without --queue-bypass: a daemon that has ended lets nothing through.
        machine.run(["iptables-restore", "--noflush"], stdin=_RULES)
        yield
    finally:
        saved = machine.run(["iptables-save", "--table", "mangle"])
        machine.run(["iptables-restore"], stdin="".join(line for line in saved.splitlines(True) if _CHAIN not in line))
        machine.kill(_NAME)


def _answers(machine: Machine) -> bool:
    assert machine.is_running(_NAME), f"{_NAME} has ended: {machine.log(_NAME)}"
    queues = machine.run(["cat", "/proc/net/netfilter/nfnetlink_queue"])
    return any(int(line.split()[0]) == _QUEUE for line in queues.splitlines())
