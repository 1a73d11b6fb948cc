"""The status file and the probes that read it."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from mooring_launcher.commands.probe import judge_record, probe
from mooring_launcher.rendezvous import SOCKET_NAME, StopListener
from mooring_launcher.reports.outcome import Outcome, write_termination_message
from mooring_launcher.reports.status import FILE_NAME, RECORD_BYTES, StatusFile, read_status

RECORD: dict[str, Any] = {
    "ready": True,
    "started": True,
    "live": True,
    "reason": "",
    "since": 1000.0,
    "heartbeat": 1001.0,
}


def test_a_fresh_record_answers_each_question(tmp_path: Path) -> None:
    """Each probe is answered from its own field; the reason is printed."""
    status = StatusFile(str(tmp_path))
    status.write(ready=False, started=True, live=True, reason="port http 8080: not listening")
    assert probe("ready", str(tmp_path)) == (False, "port http 8080: not listening")
    assert probe("started", str(tmp_path))[0]
    assert probe("live", str(tmp_path))[0]


@pytest.mark.parametrize(
    "question, age_s, holds",
    [("ready", 4.9, True), ("ready", 5.1, False), ("live", 59, True), ("live", 61, False), ("ready", -1, False)],
)
def test_an_old_or_future_heartbeat_does_not_count(question: str, age_s: float, holds: bool) -> None:
    """Ready needs a heartbeat within 5 s, live within 60 s; one from the future is from an earlier boot."""
    assert judge_record(question, RECORD, age_s)[0] is holds


@pytest.mark.parametrize("age_s, started", [(1, False), (61, True), (-1, True)])
def test_a_launcher_that_stands_still_while_it_starts_is_left_to_liveness(age_s: float, started: bool) -> None:
    """Kubelet runs only the startup probe until it succeeds: a launcher stuck before that would never be ended."""
    record = RECORD | {"started": False}
    assert judge_record("started", record, age_s)[0] is started
    assert judge_record("live", record, age_s)[0] is not started


@pytest.mark.parametrize("up_s, started", [(299, False), (301, True)])
def test_a_long_start_is_asked_for_less_often(up_s: float, started: bool) -> None:
    """After 5 minutes kubelet runs readiness and liveness, so that it can end a launcher that never said anything."""
    record = RECORD | {"started": False, "heartbeat": RECORD["since"] + up_s}
    assert judge_record("started", record, 1)[0] is started


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "pipe", "file of others"])
def test_the_status_file_is_nobody_elses(tmp_path: Path, kind: str) -> None:
    """Whatever is in the file's place is replaced; it is never written to, and never waited for."""
    other, path = tmp_path / "other", tmp_path / "state" / FILE_NAME
    path.parent.mkdir()
    if kind != "dangling":
        other.write_text("precious")
    if kind in ("link", "dangling"):
        path.symlink_to(other)
    elif kind == "hard link":
        path.hardlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("x")
    status = StatusFile(str(path.parent))
    status.write(ready=True, started=True, live=True, reason="")
    assert other.exists() == (kind != "dangling")
    assert kind == "dangling" or other.read_text() == "precious"
    assert not path.is_symlink()
    assert probe("ready", str(path.parent))[0]
    status.close()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_probe_believes_no_link(tmp_path: Path, kind: str) -> None:
    """A planted status that leads elsewhere does not count, and a pipe does not block a probe."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    status = StatusFile(str(elsewhere))
    status.write(ready=True, started=True, live=True, reason="")
    if kind == "link":
        (tmp_path / FILE_NAME).symlink_to(elsewhere / FILE_NAME)
    else:
        os.mkfifo(tmp_path / FILE_NAME)
    assert not probe("ready", str(tmp_path))[0]


def test_a_termination_message_follows_no_link(tmp_path: Path) -> None:
    """The message is written only into kubelet's file."""
    other = tmp_path / "other"
    other.write_text("precious")
    (tmp_path / "log").symlink_to(other)
    write_termination_message(Outcome("target", 1, "x"), {"MOORING_TERMINATION_LOG": str(tmp_path / "log")})
    assert other.read_text() == "precious"


@pytest.mark.parametrize("dangling", [True, False])
def test_the_stop_socket_replaces_a_link(tmp_path: Path, dangling: bool) -> None:
    """A link in the socket's place is removed, but its target is left alone."""
    other = tmp_path / "other"
    if not dangling:
        other.write_text("precious")
    (tmp_path / SOCKET_NAME).symlink_to(other)
    listener = StopListener(str(tmp_path), lambda _source: None)
    listener.close()
    assert other.exists() is not dangling


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}", b"[]", b"1", b'{"serial": 1, "end": 1}'])
def test_no_record_is_not_ready(tmp_path: Path, content: bytes | None) -> None:
    """A missing or broken file answers no to every probe."""
    if content is not None:
        (tmp_path / "status.json").write_bytes(content)
    assert probe("live", str(tmp_path)) == (False, "the launcher has written no status")


def test_a_killed_launchers_word_does_not_outlive_it(tmp_path: Path) -> None:
    """The record of a launcher that was killed is replaced as soon as the next one opens the file."""
    StatusFile(str(tmp_path)).write(ready=True, started=True, live=True, reason="")
    StatusFile(str(tmp_path))
    assert probe("ready", str(tmp_path)) == (False, "starting")
    assert not probe("started", str(tmp_path))[0]


def test_the_file_never_grows(tmp_path: Path) -> None:
    """Whatever the reason, a record has a fixed size, so a full disk cannot refuse it."""
    status = StatusFile(str(tmp_path))
    for reason in ("", "x" * 9_000, "ü" * 9_000, "\x00" * 9_000):
        status.write(ready=True, started=True, live=True, reason=reason)
        assert Path(status.path).stat().st_size == RECORD_BYTES
        assert read_status(str(tmp_path)) is not None


def test_a_reader_never_sees_half_a_record(tmp_path: Path) -> None:
    """Records read while others are written are whole."""
    status = StatusFile(str(tmp_path))
    status.write(ready=True, started=True, live=True, reason="")
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            status.write(ready=True, started=True, live=True, reason="x" * 400)
            status.write(ready=True, started=True, live=True, reason="")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            record = read_status(str(tmp_path))
            assert record is None or record["serial"] == record["end"]
    finally:
        done.set()
        writer.join()


def test_probes_import_neither_ssl_nor_threads(tmp_path: Path) -> None:
    """The probe command loads no module that it does not need."""
    code = (
        "import sys; before = set(sys.modules); from mooring_launcher.__main__ import main; main(['probe', 'ready'])\n"
        "heavy = {'ssl', 'socket', 'threading', 'http', 'logging', 'argparse', 'subprocess'}\n"
        "print(sorted(heavy & set(sys.modules) - before))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MOORING_STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines()[-1] == "[]"
