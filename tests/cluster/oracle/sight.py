"""What the nodes themselves show: which process runs in which network namespace, and who listens on the host.

The oracle runs in a pid namespace that holds the nodes' ones, so its /proc shows every process. A process belongs to
the container whose cgroup it is in, which it cannot leave by forking, daemonising or a new session; where there is none
(a rehearsal), to the pod whose uid the launcher's environment gave it. Both are read every look while a process is
young, later every 5 s.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mooring.rehearse import kernel

from tests.cluster.oracle.picture import HostListener, Port, Program

_CONTAINER = re.compile(rb"[0-9a-f]{64}")
_POD_UID = re.compile(rb"(?:^|\0)POD_UID=([^\0]+)")
_CLONE_NEWUTS = 0x04000000
_YOUNG_S = 2.0
_AGAIN_S = 5.0

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLMSG_DONE = 20, 2, 3
_NLM_F_REQUEST_DUMP = 0x301
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI48x")
_FAMILY_STATE_PORT = struct.Struct("=BB2xH")
_INODE_AT = 68
_PROTOCOLS = {"TCP": (socket.IPPROTO_TCP, 10), "UDP": (socket.IPPROTO_UDP, 7)}
"""Protocol number, and the state of a listening (LISTEN) or bound, unconnected (CLOSE) socket."""


class Node:
    """A node's own network namespace, opened through the node's process 1 and held only while that lives.

    An open handle keeps the namespace and its interfaces alive, so it is closed as soon as the node ends.
    """

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.netns = 0
        #: Readable once the process has ended; -1 while there is none.
        self.pidfd = -1
        self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._comm = _read(f"/proc/{pid}/comm")
        self._attach(pid)

    @property
    def is_alive(self) -> bool:
        """Whether the node's process 1 was alive at the last check."""
        return self.pidfd >= 0

    def _attach(self, pid: int) -> None:
        self._there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.netns = os.fstat(self._there).st_ino
        self.pidfd = os.pidfd_open(pid)
        with self.inside():
            # A netlink socket stays in the namespace that it was made in.
            self._diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
        self._diag.settimeout(1.0)

    def release(self) -> None:
        """Close the namespace: the node has ended."""
        self._diag.close()
        os.close(self._there)
        os.close(self.pidfd)
        self.pidfd, self.netns = -1, 0

    def find_again(self) -> bool:
        """Look for the node after a reboot: a process of the same name on a machine with the node's name."""
        for entry in os.listdir("/proc"):
            if entry.isdecimal() and _read(f"/proc/{entry}/comm") == self._comm and _host_name(entry) == self.name:
                with contextlib.suppress(OSError):
                    self._attach(int(entry))
                    return True
        return False

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Move this thread into the node's network during the block: sockets made there belong to it."""
        kernel.setns(self._there, kernel.CLONE_NEWNET)
        try:
            yield
        finally:
            kernel.setns(self._home, kernel.CLONE_NEWNET)

    def listeners(self, protocol: str) -> Iterator[tuple[int, int]]:
        """Yield (port, inode) of what listens in the node's namespace.

        By sock_diag(7) in 0.1 ms: /proc/<pid>/net/tcp walks the host's hash of all connections, 23 ms.
        """
        number, state = _PROTOCOLS[protocol]
        for family in (socket.AF_INET, socket.AF_INET6):
            body = _REQUEST.pack(family, number, 0, 1 << state)
            head = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0)
            self._diag.send(head + body)
            yield from self._rows()

    def _rows(self) -> Iterator[tuple[int, int]]:
        while True:
            data, at = self._diag.recv(1 << 16), 0
            while at < len(data):
                length, kind, *_ = _HEADER.unpack_from(data, at)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    message = f"sock_diag in the network of {self.name} was refused"
                    raise OSError(message)
                _, _, port = _FAMILY_STATE_PORT.unpack_from(data, at + _HEADER.size)
                (inode,) = struct.unpack_from("=I", data, at + _HEADER.size + _INODE_AT)
                yield socket.ntohs(port), inode
                at += (length + 3) & ~3


@dataclass
class _Process:
    """A process as last seen. `key` is its folder's inode: another process with the same pid has another one."""

    key: int
    first_s: float
    due_s: float
    container: str = ""
    pod_uid: str = ""
    netns: int = 0


class Sight:
    """Reads the processes of this machine and the nodes' namespaces."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        #: Grows whenever a process of a container begins or ends.
        self.changes = 0
        self._processes: dict[int, _Process] = {}
        self._not_ours: dict[int, float] = {}

    def programs(self, pod_of: Mapping[str, str], now_s: float) -> list[Program]:
        """Return every process of a container or pod. `pod_of` says which pod a container id belongs to."""
        self._scan(now_s)
        return [
            Program(pid, process.netns, process.container, pod_of.get(process.container) or process.pod_uid)
            for pid, process in self._processes.items()
            if process.netns
        ]

    def host_listeners(self, programs: list[Program], ports: frozenset[Port], now_s: float) -> list[HostListener]:
        """Return which of these ports one of these processes has open in a node's own namespace."""
        found = []
        for node in self.nodes:
            if not node.is_alive:
                continue
            for protocol in sorted({protocol for _, protocol in ports}):
                for number, inode in node.listeners(protocol):
                    if (number, protocol) in ports and (owner := self._owner(inode, programs, now_s)):
                        found.append(HostListener(node.name, (number, protocol), owner.pid, owner.pod_uid))
        return found

    def _owner(self, inode: int, programs: list[Program], now_s: float) -> Program | None:
        """Return which process holds a socket. A socket that none of them holds is looked up once a second."""
        if self._not_ours.get(inode, 0.0) > now_s:
            return None
        link = f"socket:[{inode}]"
        for program in programs:
            with contextlib.suppress(OSError):
                folder = f"/proc/{program.pid}/fd"
                if any(_link(f"{folder}/{fd}") == link for fd in os.listdir(folder)):
                    return program
        self._not_ours[inode] = now_s + 1.0
        return None

    def _scan(self, now_s: float) -> None:
        with os.scandir("/proc") as entries:
            # The listing has d_ino; no further call is needed.
            present = {int(entry.name): entry.inode() for entry in entries if entry.name.isdecimal()}
        for pid in self._processes.keys() - present.keys():
            self.changes += bool(self._processes.pop(pid).netns)
        for pid, key in present.items():
            process = self._processes.get(pid)
            if process is None or process.key != key:
                process = self._processes[pid] = _Process(key, now_s, now_s)
            if process.due_s <= now_s:
                self._look_at(pid, process, now_s)

    def _look_at(self, pid: int, process: _Process, now_s: float) -> None:
        """Read which container or pod a process belongs to. A young one may not be in its cgroup or namespace yet."""
        before = process.netns
        containers = _CONTAINER.findall(_read(f"/proc/{pid}/cgroup"))
        process.container = containers[-1].decode() if containers else ""
        given = _POD_UID.search(_read(f"/proc/{pid}/environ"))
        process.pod_uid = given[1].decode(errors="replace") if given else ""
        process.netns = _netns(pid) if process.container or process.pod_uid else 0
        self.changes += process.netns != before
        process.due_s = now_s if now_s - process.first_s < _YOUNG_S else now_s + _AGAIN_S


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(1 << 17)
    except OSError:
        return b""  # it has ended meanwhile


def _host_name(pid: str) -> str:
    """Return the host name that a process sees (of its UTS namespace); '' if it has ended or access is denied."""
    names = []

    def ask() -> None:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/ns/uts", "rb") as there:
            kernel.setns(there.fileno(), _CLONE_NEWUTS)
            names.append(os.uname().nodename)

    # In a thread that then ends: returning to a namespace outside the sandbox is not permitted.
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return "".join(names)


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _netns(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return 0  # it has ended meanwhile; a zombie has no namespace either
