"""Which processes a process has started, as /proc tells. Used in forks too: it only makes system calls."""

import os

from mooring_launcher.scarcity import is_scarcity


def read_children(pid: int) -> list[int]:
    """Return the children of every thread of a process, none when it has gone (proc_pid_task(5): children).

    OSError when this process has no descriptor or memory left to look with.
    """
    children: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as listing:
                children += map(int, listing.read().split())
    except OSError as error:
        if is_scarcity(error):
            raise
    return children
