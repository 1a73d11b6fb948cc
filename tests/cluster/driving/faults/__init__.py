"""Everything that goes wrong in a cluster, one function each; every fault has its own test, and chaos draws from all.

What must hold afterwards is the same for all: `World.settle`. There is a module for each source: `pods`, `programs`,
`nodes`, `api`, and `attacks` for what others do to a pair.
"""

from tests.cluster.driving.faults import api, attacks, nodes, pods, programs
from tests.cluster.driving.faults.registry import FAULTS, Fault
from tests.cluster.driving.faults.world import World

__all__ = ["FAULTS", "Fault", "World", "api", "attacks", "nodes", "pods", "programs"]
