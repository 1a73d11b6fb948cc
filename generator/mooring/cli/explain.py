"""`mooring explain`: where a value comes from, and who locked it."""

from __future__ import annotations

from mooring.cli.console import say

TYPE_CHECKING = False  # typing's own would import typing, which `mooring --help` has no use for
if TYPE_CHECKING:
    import argparse

    from mooring.inputs.explain import Explanation, Origin
    from mooring.inputs.platform import Platform


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    explain = commands.add_parser("explain", help="show where a value of an App comes from, and who locked it")
    explain.add_argument("app", metavar="APP", help="the App's file")
    explain.add_argument(
        "key", metavar="KEY", help="a key below values, such as service.type, or the parent of several"
    )
    explain.add_argument("--platform", metavar="FILE", help="the Platform's file")
    explain.add_argument("--output", choices=["text", "json"], default="text", help="output format")
    explain.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain a value of an App, or each below a key."""
    import json

    from mooring.inputs.explain import explain
    from mooring.inputs.platform import load_platform
    from mooring.model.check import show

    platform = load_platform(arguments.platform) if arguments.platform else None
    found = explain(arguments.app, arguments.key, platform)
    if arguments.output == "json":
        say(json.dumps([one.as_dict() for one in found], indent=2, ensure_ascii=False))
    elif len(found) == 1:
        _say_one(found[0], platform)
    else:
        for one in found:
            locked = "  (locked)" if one.locks else ""
            say(f"{one.key} = {show(one.value)}  from {_say_source(one.source)}{locked}")
    return 0


def _say_one(one: Explanation, platform: Platform | None) -> None:
    from mooring.model.check import show

    say(f"{one.key} = {show(one.value)}")
    if one.doc:
        say(f"  {one.doc}")
    say(f"  from {_say_source(one.source)}")
    rows = [*one.origins, *one.overlays]
    width = max(len(row.who) for row in rows)
    say("set by, each overriding those above:")
    for row in rows:
        text = f"{show(row.value)}  {row.place}".rstrip() if row.is_set else "-"
        say(f"  {row.who:{width}}  {text}")
    for lock in one.locks:
        where = "lock" if lock.key == one.key else f"lock on {lock.key}"
        say(f"{where}: must {lock.must}; {lock.rest} ({lock.place})" + ("" if lock.kept else "; this App breaks it"))
    if platform and not one.locks:
        say("not locked")


def _say_source(source: Origin) -> str:
    return f"{source.who} ({source.place})" if source.place else source.who
