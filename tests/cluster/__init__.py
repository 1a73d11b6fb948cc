"""Tests on a real Kubernetes. `stack` makes the cluster, `driving` uses and breaks it, `oracle` watches."""

PROGRAMS = "MOORING_CLUSTER_PROGRAMS"
"""Set by `python -m tests.cluster`: the directory of what was built; tests then run inside the sandbox."""
