"""Linux system calls that Python 3.11 does not wrap: namespaces, mounts, process control.

The only module of `mooring.rehearse` that uses ctypes. Every function raises OSError that names the call
and its target, e.g. `mount(tmpfs on /run): Operation not permitted`.
Sources: unshare(2), setns(2), mount(2), pivot_root(2), prctl(2).
"""

import ctypes
import fcntl
import os
import platform
import signal
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MS_SHARED = 0x100000
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
# pivot_root has no wrapper in the C library; its number differs between architectures.
_SYS_PIVOT_ROOT = {"x86_64": 155}.get(platform.machine(), 41)  # 41: asm-generic (aarch64, riscv64, …)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.unshare.argtypes = [ctypes.c_int]
_libc.unshare.restype = ctypes.c_int
_libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]
_libc.setns.restype = ctypes.c_int
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.mount.restype = ctypes.c_int
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.umount2.restype = ctypes.c_int
_libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong]
_libc.prctl.restype = ctypes.c_int
_libc.syscall.argtypes = [ctypes.c_long, ctypes.c_char_p, ctypes.c_char_p]
_libc.syscall.restype = ctypes.c_long


def _check(result: int, call: str) -> None:
    """Raise OSError naming the call if a C function returned -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Give this process new namespaces (CLONE_NEW… flags); a pid namespace takes effect for its children."""
    _check(_libc.unshare(flags), f"unshare({flags:#x})")


def setns(fd: int, flags: int) -> None:
    """Move this thread into the namespaces that a /proc/<pid>/ns file or a pidfd stands for."""
    _check(_libc.setns(fd, flags), f"setns({flags:#x})")


def mount(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system, bind a tree or change a mount's flags."""
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), fstype.encode() or None, flags, data.encode() or None
    )
    _check(result, f"mount({source or fstype} on {target})")


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """Unmount a tree, by default lazily: once nothing uses it."""
    _check(_libc.umount2(os.fsencode(target), flags), f"umount({target})")


def enter_root(new_root: str) -> None:
    """Make a mount point the root of this mount namespace and drop the old root."""
    os.chdir(new_root)
    # With "." twice the old root is stacked on the new one, so it needs no directory: pivot_root(2).
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), f"pivot_root({new_root})")
    unmount(".")
    os.chdir("/")


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when the thread that forked it ends.

    A parent that ended before the call is not noticed: the caller must check for that afterwards.
    """
    _check(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def raise_loopback() -> None:
    """Bring up the loopback interface of this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags: int = struct.unpack("16sH14x", request)[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
