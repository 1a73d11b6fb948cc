"""The rules `shared` and `wrong-anchor`: whose programs run in which network namespace."""

from __future__ import annotations

from tests.cluster.oracle.picture import Config, Program
from tests.oracle.pictures import HOST, anchor, launcher, picture, rules


def test_programs_of_two_launchers_in_one_network_are_wrong() -> None:
    """Two launchers' programs in one namespace break the rule, and the second is in a network that is not its own."""
    programs = [Program(10, 7, "c0", "l0"), Program(20, 7, "c1", "l1"), Program(5, 7, "ca", "a0")]
    seen = picture(launcher(), launcher(1), anchor(), programs=programs)
    assert rules(seen) == [("shared", ("orders-0", "orders-1")), ("wrong-anchor", ("orders-1", "orders-anchor-0"))]


def test_a_shared_anchor_may_hold_the_programs_of_its_launchers() -> None:
    """With strategy shared that is intended, but not for another release."""
    config = Config("shared")
    programs = [Program(10, 7, "c0", "l0"), Program(20, 7, "c1", "l1"), Program(5, 7, "ca", "a0")]
    pods = launcher(config=config), anchor()
    assert rules(picture(*pods, launcher(1, config=config), programs=programs)) == []
    other = launcher(1, config=config, release=("orders", "other"), name="other-1")
    assert ("shared", ("orders-0", "other-1")) in rules(picture(*pods, other, programs=programs))


def test_two_lives_of_a_launcher_in_one_network_are_wrong() -> None:
    """A program that outlived its launcher's container is found beside the next container's."""
    programs = [Program(10, 7, "before", "l0"), Program(20, 7, "after", "l0")]
    assert rules(picture(launcher(), programs=programs)) == [("shared", ("orders-0",))]


def test_a_program_of_a_launcher_that_has_gone_still_counts() -> None:
    """A re-created launcher pod has another uid; what the old one left in the network is not forgotten."""
    programs = [Program(10, 7, "c0", "l0"), Program(20, 7, "c1", "new")]
    seen = picture(launcher(), launcher(uid="new"), programs=programs)
    seen.remove("l0")
    assert rules(seen) == [("shared", ("orders-0", "orders-0"))]


def test_one_program_in_its_own_anchor_is_right() -> None:
    """Several processes of one program, launchers on the host, and pods that are not ours are not a violation."""
    programs = [
        Program(5, 7, "ca", "a0"),
        Program(10, 7, "c0", "l0"),
        Program(11, 7, "c0", "l0"),
        Program(12, HOST, "c0", "l0"),
        Program(13, HOST, "c1", "l1"),
        Program(14, 7, "c9", "unknown"),
    ]
    assert rules(picture(launcher(), launcher(1), anchor(), programs=programs)) == []
