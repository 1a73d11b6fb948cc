"""The system calls that Python 3.11 does not wrap. The only ctypes on Linux.

Each wrapper raises OSError whose `filename` is the call as a person would write it. They are safe after fork: bound
here, once, and they take no lock.
"""

import ctypes
import os

# include/uapi/linux/sched.h, prctl.h and mount.h
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_MS_REC = 0x4000
_MS_SLAVE = 0x80000
_MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8

_libc = ctypes.CDLL(None, use_errno=True)

_libc.setns.argtypes = (ctypes.c_int, ctypes.c_int)
_libc.setns.restype = ctypes.c_int
_libc.unshare.argtypes = (ctypes.c_int,)
_libc.unshare.restype = ctypes.c_int
_libc.prctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong)
_libc.prctl.restype = ctypes.c_int
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_void_p)
_libc.mount.restype = ctypes.c_int


def set_namespace(fd: int, kind: int, name: str) -> None:
    """Move the calling thread into the namespace behind `fd` (setns(2)); `kind` is CLONE_NEW…, `name` for errors."""
    _check(_libc.setns(fd, kind), f"setns({name})")


def unshare(kind: int, name: str) -> None:
    """Give the calling thread (or, for CLONE_NEWPID, its next child) a new namespace (unshare(2))."""
    _check(_libc.unshare(kind), f"unshare({name})")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process the signal when the thread that forked it ends (PR_SET_PDEATHSIG)."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own has ended (PR_SET_CHILD_SUBREAPER)."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")


def name_process(name: str) -> None:
    """Set the name that ps shows, at most 15 characters (PR_SET_NAME)."""
    buffer = ctypes.create_string_buffer(name.encode())
    _check(_libc.prctl(_PR_SET_NAME, ctypes.addressof(buffer), 0, 0, 0), "prctl(PR_SET_NAME)")


def follow_mounts() -> None:
    """Make every mount a slave of its origin: mounts made here stay here; what the host unmounts is unmounted here too.

    Private mounts would keep other pods' namespaces and volumes busy for as long as the target lives.
    """
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_SLAVE, None), "mount(/, MS_REC|MS_SLAVE)")


def mount_proc() -> None:
    """Mount the calling process's own pid namespace on /proc."""
    _check(_libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID_NODEV_NOEXEC, None), "mount(/proc)")


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), call)
