"""A node: containerd, kubelet and kube-proxy on a machine, set up as close to a real one as possible."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from mooring.bundle.rehearsal import build_bundle
from mooring.rehearse import kernel

from tests.cluster.stack import images
from tests.cluster.stack.control_plane import POD_RANGE
from tests.cluster.stack.machines import Machine, show
from tests.cluster.stack.pki import Pki

LAUNCHER = "/opt/mooring"
"""The launcher's directory on the node (the chart's `launcher.hostPath`)."""
APPS = "/opt/apps"
"""The native programs' directory on the node."""
SOCKET = "unix:///run/containerd/containerd.sock"

CONTAINERD = """\
version = 4
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE, which lowering an oom score needs, every sandbox would fail.
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "/var/lib/node/net.d"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


class Node:
    """One node. `start` boots it, `kill` ends its daemons, `machine.unplug` cuts its power."""

    def __init__(self, machine: Machine, pki: Pki, pod_range: str, shared: Path) -> None:
        """`pod_range`: its pods' CIDR; `shared`: what all nodes have in common (images, launcher, programs)."""
        self.machine = machine
        self.name = machine.name
        self.pod_range = pod_range
        self._pki = pki
        self._shared = shared
        machine.on_disk = {
            "/var/lib/kubelet": "kubelet",
            "/var/lib/containerd": "containerd",
            "/var/lib/cni": "cni",
            "/var/log": "log",
            "/var/lib/node": "conf",
        }

    def start(self, routes: dict[str, str]) -> None:
        """Boot the machine and start its daemons. `routes`: the other nodes' pod ranges -> their addresses."""
        state = self.machine.disk / "kubelet"
        if not state.exists():
            # Small, so that a test can fill it: the pods' emptyDirs are here.
            state.mkdir(parents=True)
            kernel.mount("tmpfs", str(state), "tmpfs", data="size=64m,mode=755")
        self.machine.boot()
        for pod_range, address in routes.items():
            self.machine.run(["ip", "route", "replace", pod_range, "via", address])
        # As Calico does: packets to a pod that is gone are refused here, instead of looping until their TTL ends.
        self.machine.run(["ip", "route", "replace", "unreachable", self.pod_range])
        for mount_point, folder in ((LAUNCHER, "launcher"), (APPS, "apps")):
            source = self._shared / folder
            self.machine.run(["sh", "-ec", f"mkdir -p {mount_point}; mount --rbind {source} {mount_point}"])
        self._configure()
        self._weigh_pods()
        self.start_runtime()
        self.start_kubelet()
        self.machine.start("kube-proxy", self._proxy())

    def _weigh_pods(self) -> None:
        """Give all pods together a CPU share that a busy host cannot starve.

        With `cgroupsPerQOS` kubelet would do this. Without it, one process of the host weighs as much as all pods
        together, and their probes and hooks time out.
        """
        cpu = "/sys/fs/cgroup/cpu"  # cgroup v2 has a different layout
        script = f"test ! -d {cpu} || {{ mkdir -p {cpu}/k8s.io && echo 8192 >{cpu}/k8s.io/cpu.shares; }}"
        self.machine.run(["sh", "-c", script])

    def start_kubelet(self) -> None:
        """Start kubelet."""
        arguments = ["--config", "/var/lib/node/kubelet.yaml", "--hostname-override", self.name]
        arguments += ["--kubeconfig", self._pki.kubeconfig(f"node-{self.name}"), "--node-ip", self.machine.address]
        self.machine.start("kubelet", arguments)

    def start_runtime(self) -> None:
        """Start containerd, also after `machine.kill("containerd")`: containers have kept running."""
        self.machine.start("containerd", ["--config", "/var/lib/node/containerd.toml", "--log-level", "warn"])
        # Without a runtime kubelet exits at once. The socket proves nothing: a killed runtime leaves it behind.
        wait = "until ctr version >/dev/null 2>&1; do sleep 0.1; done"
        self.machine.run(["sh", "-c", wait], timeout_s=120)

    def import_images(self, archives: Sequence[Path] = ()) -> None:
        """Import images into the runtime, by default those that every node has, so that no registry is needed."""
        for archive in archives or sorted(self._shared.glob("*.image.tar")):
            self.machine.run(["ctr", "--namespace", "k8s.io", "images", "import", str(archive)])

    def _configure(self) -> None:
        disk = self.machine.disk
        (disk / "conf").mkdir(parents=True, exist_ok=True)
        (disk / "conf/containerd.toml").write_text(CONTAINERD.format(pause=images.PAUSE))
        (disk / "conf/kubelet.yaml").write_text(yaml.safe_dump(self._kubelet()))
        (disk / "conf/resolv.conf").write_text("")
        network = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "plugins": [
                {
                    # Point to point, not a bridge: kube-proxy's rules apply to traffic between pods of one node too.
                    "type": "ptp",
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "ranges": [[{"subnet": self.pod_range}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        }
        (disk / "conf/net.d").mkdir(parents=True, exist_ok=True)
        (disk / "conf/net.d/10-pods.conflist").write_text(json.dumps(network))

    def _kubelet(self) -> dict[str, object]:
        path = self._pki.path
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": SOCKET,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": path("ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": path(f"kubelet-{self.name}.crt"),
            "tlsPrivateKeyFile": path(f"kubelet-{self.name}.key"),
            # What a host with cgroup v1 and without CAP_SYS_RESOURCE allows.
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "localStorageCapacityIsolation": False,
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
            "nodeLeaseDurationSeconds": 8,
            "nodeStatusUpdateFrequency": "4s",
            "resolvConf": "/var/lib/node/resolv.conf",
            "imageGCHighThresholdPercent": 100,
            "containerLogMaxSize": "10Mi",
            # Tests kill the same container again and again; by default it would soon restart only every five minutes.
            "crashLoopBackOff": {"maxContainerRestartPeriod": "4s"},
            "volumePluginDir": "/var/lib/kubelet/volume-plugins",
            "healthzBindAddress": "127.0.0.1",
        }

    def _proxy(self) -> list[str]:
        return [
            "--kubeconfig",
            self._pki.kubeconfig("kube-proxy"),
            "--hostname-override",
            self.name,
            "--proxy-mode=iptables",
            f"--cluster-cidr={POD_RANGE}",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            "--healthz-bind-address=127.0.0.1:10256",
            "--metrics-bind-address=127.0.0.1:10249",
        ]


def furnish(shared: Path, programs: Path) -> None:
    """Make what all nodes have in common: the launcher's directory, the native programs, the images."""
    write_files(shared / "launcher", shared / "apps", programs)
    show(Path(sys.base_prefix), shared / "launcher/python")
    images.write_image(shared / "pause.image.tar", [images.PAUSE], {"/pause": programs / "pause"}, ["/pause"])
    images.write_image(shared / "debian.image.tar", [images.DEBIAN, images.DEBIAN_NEXT], images.python_libraries(), [])


def write_files(launcher: Path, apps: Path, programs: Path) -> None:
    """Write what a node has at LAUNCHER, with an empty folder for Python, and at APPS."""
    build_bundle(launcher)
    # On a node Python and psutil are real files, not links into a checkout.
    shutil.rmtree(launcher / "python")
    (launcher / "python").mkdir()
    psutil = (launcher / "lib/psutil").resolve()
    (launcher / "lib/psutil").unlink()
    shutil.copytree(psutil, launcher / "lib/psutil", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    apps.mkdir()
    for program in ("served", "asker"):
        shutil.copy2(programs / program, apps / program)


def write_files_for_others(directory: Path, programs: Path) -> None:
    """Write what the nodes of another cluster need in /opt, including a full copy of this machine's Python."""
    directory.mkdir(parents=True)
    write_files(directory / Path(LAUNCHER).name, directory / Path(APPS).name, programs)
    unneeded = shutil.ignore_patterns("__pycache__", "site-packages", "test", "tests", "idlelib", "*.a")
    base, python = Path(sys.base_prefix), directory / Path(LAUNCHER).name / "python"
    for folder in ("bin", "lib"):
        shutil.copytree(base / folder, python / folder, symlinks=True, ignore=unneeded)
