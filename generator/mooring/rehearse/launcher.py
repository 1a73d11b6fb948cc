"""The worker of a pod whose container is a real process: a launcher."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from mooring.rehearse import container as containers
from mooring.rehearse import volumes
from mooring.rehearse.network import NODE_IP
from mooring.rehearse.output import copy_stderr, copy_stdout
from mooring.rehearse.pods import grace_s, main_container
from mooring.rehearse.probes import Check
from mooring.rehearse.store import Object, Store
from mooring.rehearse.volumes import Cluster
from mooring.rehearse.worker import Notify, PodWorker

BACKOFF_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each restart: a tenth of kubelet's: immediately, then after 10 s, 20 s … up to 300 s."""
_STEADY_AFTER_S = 60.0
"""A container that ran this long starts over with its backoff; kubelet's ten minutes on the same scale."""


class LauncherWorker(PodWorker):
    """Runs a hostNetwork pod: the container's real process in its own root, with probes, restarts and hooks."""

    def __init__(
        self, pod: Object, store: Store, notify: Notify, cluster: Cluster, folder: Path, logs: Path | None
    ) -> None:
        super().__init__(pod, store, notify)
        self._ip = NODE_IP
        self._cluster = cluster
        self._folder = folder
        self._env: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = logs / f"{self.name}.log" if logs else folder / "stderr.log"
        """The file with the launcher's stderr."""
        self._keep_all = logs is not None
        self._copiers: list[threading.Thread] = []

    def signal(self, number: int) -> None:
        """Send a signal to the container's main process, if there is one."""
        if self._process and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _live(self) -> None:
        (self._folder / "root").mkdir(parents=True)
        self._env = volumes.environment(self.pod, self._cluster)
        mounts = volumes.make_mounts(self.pod, self._cluster, self._folder)
        failures = 0
        while not self._deleted.is_set():
            began = time.monotonic()
            process = self._start(mounts)
            self._wait_for_exit(process)
            if self._deleted.is_set():
                return
            failures = 0 if time.monotonic() - began > _STEADY_AFTER_S else failures
            self._after_exit(process, BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    def _start(self, mounts: list[containers.Mount]) -> "subprocess.Popen[bytes]":
        """Start the container and its probes."""
        container = main_container(self.pod)
        command = [*(container.get("command") or []), *(container.get("args") or [])]
        spec = containers.ContainerSpec(
            str(self._folder / "root"), command, self._env, mounts, container.get("workingDir", "/")
        )
        out_read, out_write = os.pipe()
        error_read, error_write = os.pipe()
        process = containers.start(spec, out_write, error_write)
        os.close(out_write)
        os.close(error_write)
        self._process = process
        self._up = True
        self._copiers = [
            threading.Thread(target=copy_stdout, args=(out_read, self._say), daemon=True),
            threading.Thread(
                target=copy_stderr,
                args=(error_read, self._say, self.log),
                kwargs={"keep_all": self._keep_all},
                daemon=True,
            ),
        ]
        for copier in self._copiers:
            copier.start()
        threading.Thread(target=self._wake_at_exit, args=(process,), daemon=True).start()
        self._report("readinessProbe" not in container, "not probed yet")
        self._start_probes(container)
        return process

    def _start_probes(self, container: Object) -> None:
        """Start readiness and liveness probes, after the startup probe has passed if there is one."""
        self._probers.clear()
        if "startupProbe" in container:
            probe = container["startupProbe"]
            self._probe(probe, self._startup_check(probe), self._startup_changed, True)
        else:
            self._start_later_probes()

    def _startup_check(self, probe: Object) -> Check:
        """Make a check that, on its first success, stops itself and starts the other probes."""
        run = self._exec_check(probe)

        def check(timeout_s: float) -> tuple[bool, str]:
            holds, why = run(timeout_s)
            if holds:
                self._probers[0].stop()
                self._start_later_probes()
            return holds, why

        return check

    def _startup_changed(self, holds: bool, why: str) -> None:
        if not holds:
            self._liveness_changed(False, f"startup: {why}")

    def _start_later_probes(self) -> None:
        container = main_container(self.pod)
        if readiness := container.get("readinessProbe"):
            self._probe(readiness, self._exec_check(readiness), self._report, False)
        if liveness := container.get("livenessProbe"):
            self._probe(liveness, self._exec_check(liveness), self._liveness_changed, True)

    def _liveness_changed(self, holds: bool, why: str) -> None:
        if not holds:
            self._notify(self.name, f"restarting, because its liveness probe failed: {why}")
            self.signal(signal.SIGKILL)

    def _exec_check(self, probe: Object) -> Check:
        def check(timeout_s: float) -> tuple[bool, str]:
            code, said = self._exec(probe["exec"]["command"], timeout_s)
            return code == 0, said

        return check

    def _exec(self, command: list[str], timeout_s: float) -> tuple[int | None, str]:
        if self._process is None or self._process.poll() is not None:
            return None, "the container is not running"
        return containers.exec_inside(self._process.pid, command, self._env, timeout_s)

    def _wait_for_exit(self, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None and not self._deleted.is_set():
            self._wake.wait()
            self._wake.clear()

    def _wake_at_exit(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        self._wake.set()

    def _after_exit(self, process: "subprocess.Popen[bytes]", delay_s: float) -> None:
        """Report how the container ended and wait out the backoff."""
        for prober in self._probers:
            prober.stop()
        self._up = False
        self._restarts += 1
        self._finish_copying()
        message = volumes.termination_message(self._folder)
        self._notify(self.name, f"exited with {process.returncode}{': ' if message else ''}{message}")
        when = f"in {delay_s:g} s" if delay_s else "immediately"
        self._report(False, f"exited with {process.returncode}, restarting {when}")
        deadline = time.monotonic() + delay_s
        while not self._deleted.is_set() and time.monotonic() < deadline:
            self._wake.wait(deadline - time.monotonic())
            self._wake.clear()

    def _end(self) -> None:
        """Run the preStop hook, then SIGTERM, then SIGKILL, all within one grace period."""
        for prober in self._probers:
            prober.stop()
        deadline = time.monotonic() + grace_s(self.pod)
        process = self._process
        if process is None or process.poll() is not None:
            return
        hook = ((main_container(self.pod).get("lifecycle") or {}).get("preStop") or {}).get("exec")
        if hook and not self.killed:
            self._exec(hook["command"], max(deadline - time.monotonic(), 0.1))
        self.signal(signal.SIGTERM)
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self._notify(self.name, "did not stop within its grace period; killing it")
            self.signal(signal.SIGKILL)
            process.wait()
        self._finish_copying()
        message = volumes.termination_message(self._folder)
        self._notify(self.name, f"stopped with {process.returncode}{': ' if message else ''}{message}")

    def _say(self, text: str) -> None:
        self._notify(self.name, text)

    def _finish_copying(self) -> None:
        """Print the container's last output before the report of its end; a process it left behind may delay that."""
        for copier in self._copiers:
            copier.join(1.0)
