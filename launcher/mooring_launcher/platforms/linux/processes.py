"""What /proc shows about processes. Used in forks too: it only makes system calls."""

import os

from mooring_launcher.platforms.scarcity import is_scarcity


def read_children(pid: int) -> list[int]:
    """Return the children of every thread of a process, none if it has ended (proc_pid_task(5): children).

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


def is_running(pid: int) -> bool:
    """Return whether a process lives: a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def read_name(pid: int) -> str:
    """Return the process's short name, '?' if it has ended."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
            return comm.read().strip()
    except OSError:
        return "?"


def runs_inside(pid: int, namespace: int) -> bool:
    """Return whether a process runs in the network namespace with this inode; one that has ended meanwhile did."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino == namespace
    except OSError:
        return True
