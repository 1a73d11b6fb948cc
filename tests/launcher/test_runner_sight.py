"""What the launcher itself sees decides: which network is the anchor's, whether it stays, if descriptors suffice."""

import contextlib
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mooring.rehearse.wire import Response
from mooring_launcher.platforms.backends import backend
from mooring_launcher.platforms.compartment import Compartment

from tests.launcher.inside_helpers import namespace, random_ip, run, toy
from tests.launcher.rig import (
    PORT,
    READINESS_PORT,
    SERVER_TOY,
    Launcher,
    Rig,
    anchor_pod,
    http_get,
    new_uid,
    stateful_set,
    wait_for,
)

pytestmark = pytest.mark.sandbox

CGROUPS = {
    "the cgroupfs driver": "0::/kubepods/besteffort/pod{plain}/4f2a\n",
    "the systemd driver": "0::/kubepods.slice/kubepods-pod{sliced}.slice/cri-containerd-4f2a.scope\n",
    "a cgroup namespace of the reader's own": "0::/../../pod{plain}/4f2a\n",
    "cgroup v1": "12:cpu,cpuacct:/kubepods/pod{plain}/4f2a\n1:name=systemd:/kubepods/pod{plain}/4f2a\n",
}


@contextmanager
def pod_process(inside: Compartment, file: Path, driver: str = "the systemd driver") -> Iterator[str]:
    """Run a process in the network with the cgroup of a pod, as far as /proc shows; return the pod's uid."""
    uid = new_uid()
    file.write_text(CGROUPS[driver].format(plain=uid, sliced=uid.replace("-", "_")))
    with toy(inside, "serve.py", "127.0.0.1", "1") as started:
        run("mount", "--bind", str(file), f"/proc/{started.pid}/cgroup")
        yield uid


@pytest.mark.parametrize("driver", CGROUPS)
def test_the_networks_of_a_pod_are_those_of_its_processes(
    compartment: Compartment, tmp_path: Path, driver: str
) -> None:
    """From the cgroup that kubelet makes for each pod, with either driver; a pod without a process has none."""
    with pod_process(compartment, tmp_path / "cgroup", driver) as uid:
        assert backend().networks_of(uid, "containerd://4f2a") == {compartment.id}
        assert backend().networks_of(uid[:-1], "containerd://4f2a") == set()
        assert backend().networks_of(new_uid(), "containerd://4f2a") == set()


def test_the_ip_of_another_pod_is_refused(rig: Rig, ip: str, compartment: Compartment, tmp_path: Path) -> None:
    """If the status has the IP of another pod on the node, nothing starts there; with the pod's own IP it does."""
    other_ip = random_ip()
    with namespace(other_ip) as other, pod_process(compartment, tmp_path / "cgroup") as uid:
        rig.api.put("pods", anchor_pod(other_ip, uid=uid))
        launcher = rig.launch()
        reason = f"the IP {other_ip} of the anchor orders-anchor-0 is in {other.name}, which is not its own network"
        launcher.wait_event("waiting", reason=reason)
        rig.api.put("pods", anchor_pod(ip, uid=uid))
        launcher.wait_line("ready")
        assert launcher.wait_event("bootstrap")["compartment"] == compartment.id


def test_of_two_networks_with_the_ip_the_pods_own_is_taken(
    rig: Rig, ip: str, compartment: Compartment, tmp_path: Path
) -> None:
    """A pod that gave itself the anchor's IP neither gets the program nor prevents it from starting."""
    with namespace(ip), pod_process(compartment, tmp_path / "cgroup") as uid:
        rig.api.put("pods", anchor_pod(ip, uid=uid))
        launcher = rig.launch()
        launcher.wait_line("ready")
        assert launcher.wait_event("bootstrap")["compartment"] == compartment.id


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "224.0.0.1"])  # noqa: S104 - a status says so
def test_an_address_that_no_pod_can_have_is_refused(rig: Rig, compartment: Compartment, address: str) -> None:
    """Loopback is in every network, so it cannot identify the anchor's."""
    rig.api.put("pods", anchor_pod(address))
    launcher = rig.launch()
    told = wait_for(lambda: [r for r in launcher.events("waiting") if address in r["reason"]], "the refusal")
    assert "cannot be a pod's" in told[0]["reason"]
    assert launcher.events("bootstrap") == []


def test_an_address_of_the_node_is_named_as_such(rig: Rig, compartment: Compartment) -> None:
    """An anchor on the host's network cannot be attached to, and the message says why."""
    node_ip = random_ip()
    run("ip", "address", "add", f"{node_ip}/32", "dev", "lo")
    rig.api.put("pods", anchor_pod(node_ip))
    launcher = rig.launch()
    reason = f"the anchor's IP {node_ip} is the node's own: an anchor cannot be on the host's network"
    launcher.wait_event("waiting", reason=reason)
    run("ip", "address", "delete", f"{node_ip}/32", "dev", "lo")


def test_a_label_that_is_taken_off_stops_nothing(rig: Rig, ip: str, compartment: Compartment) -> None:
    """Once attached, the anchor is known by its uid: its network stays, with or without the label."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    bare = anchor_pod(ip)
    del bare["metadata"]["labels"]
    rig.api.put("pods", bare)
    rig.api.put("pods", anchor_pod(ip, container="containerd://c2"))
    launcher.wait_event("anchor-restarted")
    assert launcher.events("detaching") == []


def launch_pair(rig: Rig) -> list[Launcher]:
    """Start the launchers of two replicas that share an anchor."""
    own = {str(n): {"args": ["-S", str(SERVER_TOY), str(PORT + n), "end"], "ports": {"http": PORT + n}} for n in (0, 1)}
    anchor = {"strategy": "shared", "namespace": "apps"}
    launchers = [
        rig.launch(ordinal=n, anchor=anchor, anchorPod="orders-anchor-0", target={"perOrdinal": own}) for n in (0, 1)
    ]
    for launcher in launchers:
        launcher.wait_event("gate-holds")
    return launchers


def end_program(launcher: Launcher) -> None:
    """Kill the target of a launcher."""
    subprocess.run(["kill", "-9", str(launcher.wait_event("target-started")["pid"])], check=True)


@pytest.mark.parametrize("api", ["answers", "is away"])
def test_nobodys_question_keeps_the_first_sibling(rig: Rig, ip: str, compartment: Compartment, api: str) -> None:
    """While the anchor stays, a launcher whose program has ended waits for no sibling, even if a /hold is waiting."""
    rig.api.put("pods", anchor_pod(ip))
    first, second = launch_pair(rig)
    with backend().run_inside(compartment, lambda: socket.create_connection((ip, READINESS_PORT))) as asker:
        asker.sendall(b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
        assert http_get(compartment, ip, "/livez")[0] == 200
        if api == "is away":
            rig.api.close()
        end_program(first)
        assert first.wait_exit() == 137
        assert asker.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert second.process.poll() is None


def test_an_anchor_that_goes_unseen_is_asked_for(rig: Rig, ip: str, compartment: Compartment) -> None:
    """The API decides: after a deletion that the watch did not report, the launcher still waits for its siblings."""
    over = threading.Event()

    def silence() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        over.wait(60)

    rig.api.intercept = lambda request: Response.raw(silence()) if request.verb == "watch" else None
    rig.api.put("pods", anchor_pod(ip))
    first, second = launch_pair(rig)
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    end_program(first)
    first.wait_event("stopping", step=f"waiting for the sibling on port {READINESS_PORT + 1} to stop")
    second.process.terminate()
    assert second.wait_exit() == 0
    assert first.wait_exit() == 137
    over.set()


def cpu_s(launcher: Launcher) -> float:
    """Return the CPU seconds of the launcher's process."""
    words = Path(f"/proc/{launcher.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100


def first_free_descriptor(pid: int) -> int:
    """Return the lowest descriptor number that is not in use by any file that stays open."""
    used = set(range(1024))
    for _ in range(10):
        used &= {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
        time.sleep(0.03)
    return min(set(range(len(used) + 1)) - used)


_CHECK = {"timeoutSeconds": 0.5, "periodSeconds": 0.1, "failureThreshold": 1, "successThreshold": 1}
GATES: dict[str, dict[str, Any]] = {
    "its ports": {"failureThreshold": 1},
    "an HTTP check": {"http": {"front": {"port": "http", **_CHECK}}},
    "a TCP check": {"tcp": {"front": {"port": "http", **_CHECK}}},
    "a command": {"exec": {"check": {"command": ["/bin/true"], **_CHECK}}},
    "its memory": {"memory": {"minMiB": 1, "maxMiB": None}, "failureThreshold": 1},
}


@pytest.mark.parametrize("judged_by", GATES)
def test_without_descriptors_it_backs_off_and_recovers(
    rig: Rig, ip: str, compartment: Compartment, judged_by: str
) -> None:
    """A client that cannot be accepted costs no CPU, the program runs on, and once there are descriptors it is served.

    Also if one failed look would end it: a look for which no descriptor is left has not failed.
    """
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch(gate={"onUnhealthy": "restart", "periodSeconds": 0.1, **GATES[judged_by]})
    launcher.wait_event("gate-holds")
    pid = launcher.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free_descriptor(pid), before[1]))
    with contextlib.ExitStack() as clients:
        for _ in range(3):
            client = backend().run_inside(compartment, lambda: socket.create_connection((ip, READINESS_PORT)))
            clients.enter_context(client).sendall(b"GET /readyz HTTP/1.1\r\n")
        began_s = cpu_s(launcher)
        time.sleep(3)
        assert cpu_s(launcher) - began_s < 0.6
        assert [record["problem"].split(":")[0] for record in launcher.events("health-server-problem")] == ["accept"]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        wait_for(lambda: http_get(compartment, ip, "/readyz")[0] == 200, "the gate")
    assert http_get(compartment, ip, "/livez")[0] == 200
    assert launcher.process.poll() is None
    assert "SIGTERM" not in launcher.lines
    rig.api.put("pods", anchor_pod(ip, deleting=True))
    launcher.wait_line("SIGTERM")


@pytest.mark.usefixtures("compartment")
def test_without_descriptors_the_programs_end_is_reported_all_the_same(rig: Rig, ip: str) -> None:
    """Nothing can be opened then, and the launcher ends with the program's code."""
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch()
    launcher.wait_event("gate-holds")
    pid = launcher.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free_descriptor(pid), hard))
    end_program(launcher)
    assert launcher.wait_exit() == 137
    assert launcher.events("target-exited")[0]["code"] == 137
    assert not [line for line in launcher.lines if "Traceback" in line]


@pytest.mark.parametrize("manner", ["loudly", "silently"])
@pytest.mark.parametrize("thread", ["mooring-watch-pods", "mooring-watch-statefulsets", "mooring-stop", "mooring-http"])
def test_no_thread_dies_unnoticed(
    rig: Rig, ip: str, compartment: Compartment, monkeypatch: pytest.MonkeyPatch, thread: str, manner: str
) -> None:
    """It is logged by name, and the live probe and /livez fail: kubelet restarts the launcher."""
    monkeypatch.setenv("MORTAL", f"{thread} {manner}")
    rig.program = (rig.program[0], str(rig.toys / "mortal.py"))
    for name in ("orders", "orders-anchor"):
        rig.api.put("statefulsets", stateful_set(name, 1))
    rig.api.put("pods", anchor_pod(ip))
    launcher = rig.launch(scaling={"follow": True})
    launcher.wait_event("gate-holds")
    launcher.wait_event("thread-died", thread=thread)
    wait_for(lambda: rig.command("probe", "live").returncode == 1, "the probe")
    assert f"the launcher's thread {thread} has ended" in rig.command("probe", "live").stdout
    status, body = http_get(compartment, ip, "/livez")
    assert (status, f"thread {thread} has ended" in body) == (503, True)


def test_the_threads_that_may_end_may() -> None:
    """A thread that was released is not missed; the others are reported, each with why it ended."""
    code = """if True:
        import threading, time
        from mooring_launcher.reports.log import Log
        from mooring_launcher.reports.vitals import Vitals
        vitals = Vitals(Log().error)
        def end(name, work):
            thread = threading.Thread(target=work, name=name)
            vitals.expect(thread)
            thread.start()
            thread.join()
            return thread
        vitals.release(end("mooring-released", lambda: None))
        assert vitals.problem() == ""
        end("mooring-http", lambda: 1 // 0)
        end("mooring-stop", lambda: None)
        print(vitals.problem())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mooring-http has ended: ZeroDivisionError" in done.stdout
    assert "mooring-stop has ended: it returned" in done.stdout
    assert done.stderr.count('"thread-died"') == 2
