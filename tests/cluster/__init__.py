"""The tests on a real Kubernetes."""

PROGRAMS = "MOORING_CLUSTER_PROGRAMS"
"""Set by `python -m tests.cluster`: the directory of what was built; tests then run inside the sandbox."""
