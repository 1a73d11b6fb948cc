"""What the oracle reads of the API's objects."""

from __future__ import annotations

from tests.cluster.oracle.picture import read_config, read_pod
from tests.oracle.objects import pod_object


def test_a_pod_is_read() -> None:
    """Labels, node, condition, containers and probe become what the rules need."""
    pod = read_pod(pod_object("orders-anchor-3", node="b"))
    assert (pod.component, pod.ordinal, pod.node, pod.ready, pod.patience_s) == ("anchor", 3, "b", True, 1.0)
    assert pod.containers == {"orders-anchor-3", "before"}
    bare = read_pod({"metadata": {"namespace": "apps", "name": "coredns", "uid": "u"}})
    assert (bare.component, bare.ordinal, bare.ready, bare.patience_s) == ("", None, False, 30.0)


def test_a_configuration_is_read() -> None:
    """Ports of all ordinals, the readiness port and the HTTP checks are taken from the annotation."""
    config = read_pod(pod_object("orders-0")).config
    assert config is not None
    assert config.ports == {(18088, "TCP"), (8081, "TCP"), (53, "UDP"), (9000, "TCP")}
    check = config.checks[18088]
    assert (check.path, check.timeout_s) == ("/up", 1.0)
    assert (check.accepts(204), check.accepts(200)) == (True, False)
    for text in (None, "", "[]", "{}", "null", "nonsense"):
        assert read_config(text) is None, text
