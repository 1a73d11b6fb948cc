"""`make demo`: run a plain server as three replicas, each with its own IP; kill one, scale, stop. About a minute."""

import json
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from mooring.batch.generate import generate
from mooring.errors import MooringError
from mooring.rehearse import sample_server, sandbox
from mooring.rehearse.manifest import RehearsalError
from mooring.rehearse.pods import is_ready
from mooring.rehearse.rehearsal import Happening, Rehearsal, all_ready, fetch

PORT = 8080
_SLOW_START_S = 4
_WAIT_S = 60.0


def main() -> int:
    """Run the demo in a sandbox; return 0 after a last line `demo: ok …`, or 1 after the failure."""
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="mooring-demo-") as folder:
            chart = make_chart(Path(folder))
            status = sandbox.run(lambda: _guarded(chart))
    except MooringError as error:
        _say(f"demo: failed: {error}")
        return 1
    if status == 0:
        _say(f"demo: ok, finished in {time.monotonic() - began:.0f} s")
    return status


def make_chart(folder: Path) -> Path:
    """Write a small App and generate its chart; returns the chart's directory."""
    app = folder / "hello.yaml"
    app.write_text(json.dumps(_app(), indent=1), "utf-8")
    _say(f"generating a chart from an App whose program is {Path(sample_server.__file__).name}")
    result = generate([str(app)], folder / "charts")
    if result.problems:
        raise RehearsalError("\n".join(str(problem) for problem in result.problems))
    return folder / "charts/hello"


def _app() -> dict[str, object]:
    """Return the App: a plain server on port 8080, whose ordinal 2 is slow to start."""
    arguments = [sample_server.__file__, "--port", str(PORT)]
    values = {
        "platform": "linux",
        "replicas": 3,
        "target": {
            "exe": str(Path(sys.executable).resolve()),
            "args": arguments,
            "ports": {"http": {"port": PORT, "servicePort": 80}},
            "perOrdinal": {"2": {"args": [*arguments, "--start-delay", str(_SLOW_START_S)]}},
        },
        "gate": {"http": {"front": {"port": "http", "path": "/"}}},
        "readiness": {"periodSeconds": 1, "failureThreshold": 2},
        "stop": {"drainSeconds": 7, "consoleSeconds": 10},
    }
    return {"apiVersion": "mooring/v1", "kind": "App", "name": "hello", "version": "1.0.0", "values": values}


def _guarded(chart: Path) -> int:
    """Run all steps; report a failed one in one line."""
    try:
        _run(chart)
    except MooringError as error:
        _say(f"demo: failed: {error}")
        return 1
    return 0


def _run(chart: Path) -> None:
    with Rehearsal(chart, on_event=_print_event) as rehearsal:
        _show_slow_start(rehearsal)
        _show_three_addresses(rehearsal)
        _show_recovery(rehearsal)
        _show_scaling(rehearsal)
        _show_graceful_stop(rehearsal)


def _show_slow_start(rehearsal: Rehearsal) -> None:
    _step("start three replicas of one program; ordinal 2 takes a while to listen")
    rehearsal.wait(lambda _: len(rehearsal.addresses()) == 2, _WAIT_S, "two ready anchors while the slow one starts")
    _require(not is_ready(rehearsal.anchors()[2]), "the slow replica was Ready before its gate held")
    rehearsal.wait(all_ready(3), _WAIT_S, "three ready pairs")
    _say("    ordinal 2 became Ready only after it answered")


def _show_three_addresses(rehearsal: Rehearsal) -> None:
    _step(f"reach the same port {PORT} on three addresses")
    _require(len(_answers(rehearsal.addresses())) == 3, "three addresses did not give three different answers")


def _show_recovery(rehearsal: Rehearsal) -> None:
    _step("kill -9 one launcher: its program dies with it, the others keep serving, it comes back")
    others = [pod["status"]["podIP"] for pod in rehearsal.anchors()][::2]
    rehearsal.kill("hello-1", signal.SIGKILL)
    rehearsal.wait(lambda pods: not all_ready(3)(pods), _WAIT_S, "the killed replica to be unready")
    _require(len(_answers(others)) == 2, "the other two did not keep serving")
    rehearsal.wait(all_ready(3), _WAIT_S, "the killed replica to be back")
    _require(len(_answers(rehearsal.addresses())) == 3, "the restarted replica does not answer")


def _show_scaling(rehearsal: Rehearsal) -> None:
    _step("scale the launchers to 5 and back to 3: their anchors follow")
    rehearsal.scale(5)
    rehearsal.wait(all_ready(5), _WAIT_S, "five ready pairs")
    _require(len(_answers(rehearsal.addresses())) == 5, "five addresses did not give five answers")
    rehearsal.scale(3)
    rehearsal.wait(all_ready(3), _WAIT_S, "three pairs again")


def _show_graceful_stop(rehearsal: Rehearsal) -> None:
    _step("stop everything while a request is in flight: it is still answered")
    answers: list[tuple[int, str]] = []
    address = rehearsal.addresses()[0]
    # Longer than the drain: the program gets its stop signal while it is still working on the answer.
    slow = threading.Thread(target=lambda: answers.append(fetch(address, PORT, "/slow?seconds=9", 30)))
    slow.start()
    rehearsal.stop()
    slow.join()
    _require(answers[0][0] == 200, f"the request in flight got {answers[0]}")
    _say(f"    answered: {answers[0][1].strip()}")


def _answers(addresses: list[str]) -> set[str]:
    """Fetch from each address and return the different answers."""
    answers = set()
    for address in addresses:
        status, body = fetch(address, PORT)
        _require(status == 200, f"http://{address}:{PORT}/ got {status}: {body}")
        _say(f"    http://{address}:{PORT}/ -> {body.strip()}")
        answers.add(body)
    return answers


def _require(condition: bool, failure: str) -> None:
    if not condition:
        raise RehearsalError(failure)


def _step(text: str) -> None:
    _say(f"\n==> {text}")


def _print_event(happening: Happening) -> None:
    _say(f"    {happening}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
