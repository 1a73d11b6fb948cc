"""`make demo TARGET=windows`: a Windows program as three replicas with an IP each; kill one, stop all. Under Wine.

Scaling is in `make demo`: here no controller makes pods, and each launcher is started as its container would start it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.windows import PARTS
from tests.windows.machine import Launcher, Site
from tests.windows.program import wait_until
from tests.windows.release import PORT, SERVER, anchor_pod, config_of

_NAMES = ("orders-0", "orders-1", "orders-2")


def main() -> int:
    """Run the demo inside the sandbox; 0 and a last line `demo: ok …`, or 1 and what failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mooring-wine-") as folder:
        site = Site(Path(os.environ[PARTS]), Path(folder))
        try:
            _run(site)
        except AssertionError as error:
            _say(f"demo: failed: {error}")
            return 1
        finally:
            site.close()
    _say(f"demo: ok, all of it in {time.monotonic() - began:.0f} s")
    return 0


def _run(site: Site) -> None:
    _step(f"three simulated Windows nodes; on each the launcher starts {SERVER} in its anchor's network")
    launchers = [_start(site, ordinal) for ordinal in range(len(_NAMES))]
    for launcher in launchers:
        launcher.wait_ready()
    _step(f"the same port {PORT} on three addresses")
    for launcher in launchers:
        _say(f"    http://{launcher.machine.ip}:{PORT}/ -> {_answer(launcher)}")
    _step("kill -9 of one launcher: its program ends with it, the others serve, it comes back")
    victim = launchers[1].machine
    for pid in victim.processes("mooring-launcher.pyz"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not victim.processes("server.exe"), "the killed launcher's program to end")
    _say(f"    others: {_answer(launchers[0])}; {_answer(launchers[2])}")
    launchers[1] = _start(site, 1)
    launchers[1].wait_ready()
    _say(f"    back: {_answer(launchers[1])}")
    _step("stop as preStop does: drain, CTRL_C, its own exit code")
    for ordinal, launcher in enumerate(launchers):
        launcher.machine.command("stop", ordinal=ordinal)
        end = launcher.wait_exit()
        assert end["code"] == 0, end["message"]
        _say(f"    {_NAMES[ordinal]}: {end['message']}")


def _start(site: Site, ordinal: int) -> Launcher:
    machine = site.machine(_NAMES[ordinal])
    site.api.put("pods", anchor_pod(machine, ordinal))
    return machine.launch(config_of(), ordinal=ordinal)


def _answer(launcher: Launcher) -> str:
    status, body = launcher.get("/", PORT)
    assert status == 200, body
    return body.strip()


def _step(text: str) -> None:
    _say(f"\n== {text}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
