"""Everything that goes wrong in a cluster, each as one function: for a test of its own, and for chaos to draw from.

What must hold afterwards is the same for all: `World.settle`. A module for each side it comes from: `pods`, `programs`,
`nodes`, `api`, and `attacks` for what somebody else does to a pair.
"""

from tests.cluster.driving.faults import api, attacks, nodes, pods, programs
from tests.cluster.driving.faults.registry import FAULTS, Fault
from tests.cluster.driving.faults.world import World

__all__ = ["FAULTS", "Fault", "World", "api", "attacks", "nodes", "pods", "programs"]
