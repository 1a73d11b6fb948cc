"""The rehearsal's network: one bridge, and for each anchor a network namespace with an address on it."""

import itertools
import subprocess
from pathlib import Path

from mooring.rehearse import kernel

NODE_IP = "10.244.0.1"
"""The bridge's own address: the node's IP, where the API listens and hostNetwork pods live."""
_BRIDGE = "rehearse0"
_PREFIX_LENGTH = 16
_NETNS = Path("/run/netns")


def ip(*arguments: str) -> None:
    """Run iproute2; raises OSError with its error message."""
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        message = f"ip {' '.join(arguments)}: {result.stderr.strip()}"
        raise OSError(message)


class Network:
    """Makes a sandbox's bridge and namespaces on it. Nothing has to be undone: it all ends with the sandbox."""

    def __init__(self) -> None:
        _share_netns_folder()
        ip("link", "add", "name", _BRIDGE, "type", "bridge", "forward_delay", "0")
        ip("address", "add", f"{NODE_IP}/{_PREFIX_LENGTH}", "dev", _BRIDGE)
        ip("link", "set", _BRIDGE, "up")
        self._numbers = itertools.count(2)

    def add_namespace(self, name: str) -> str:
        """Make /run/netns/<name> with loopback and eth0 on the bridge; returns its unused address."""
        number = next(self._numbers)
        address = f"10.244.{number // 250}.{number % 250 + 1}"
        outer = f"veth{number}"
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "name", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", outer, "master", _BRIDGE, "up")
        ip("-n", name, "address", "add", f"{address}/{_PREFIX_LENGTH}", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        return address

    def remove_namespace(self, name: str) -> None:
        """Remove the name; the namespace and its veth disappear with the last process inside."""
        ip("netns", "delete", name)


def _share_netns_folder() -> None:
    """Make /run/netns a shared mount before any launcher starts, so its copy gets later namespaces too."""
    _NETNS.mkdir(exist_ok=True)
    kernel.mount(str(_NETNS), str(_NETNS), flags=kernel.MS_BIND | kernel.MS_REC)
    kernel.mount("none", str(_NETNS), flags=kernel.MS_SHARED | kernel.MS_REC)
