"""The rule `host-port`: what a launcher's processes open on the node itself."""

from __future__ import annotations

from tests.cluster.oracle.picture import HostListener
from tests.oracle.pictures import anchor, launcher, picture, rules


def test_a_targets_port_on_the_host_is_wrong() -> None:
    """A target's port, of its own protocol, open on the host by a launcher's process is a violation."""
    for port, wrong in {(18088, "TCP"): True, (5353, "UDP"): True, (18088, "UDP"): False, (22, "TCP"): False}.items():
        seen = picture(launcher(), anchor(), host_listeners=[HostListener("a", port, 10, "l0")])
        assert rules(seen) == ([("host-port", ("orders-0",))] if wrong else []), port


def test_a_port_on_the_host_that_others_opened_is_their_affair() -> None:
    """Only what a launcher started counts."""
    listeners = [HostListener("a", (18088, "TCP"), 10, uid) for uid in ("a0", "unknown")]
    assert rules(picture(launcher(), anchor(), host_listeners=listeners)) == []
