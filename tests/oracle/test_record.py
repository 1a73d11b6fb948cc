"""The record that the oracle writes."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.oracle.record import Recorder, read_record
from tests.cluster.oracle.rules import Violation


def test_a_violation_is_written_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    """Each has two lines with one id and a duration; what is still wrong at the end is recorded as such."""
    path = tmp_path / "record.jsonl"
    recorder = Recorder(str(path))
    first = Violation("split", "apps", ("a", "b"), "first")
    for at_s, found in [(0.0, set()), (1.0, {first}), (2.0, {first}), (3.5, set()), (4.0, {first})]:
        recorder.update(found, at_s, 0.0)
        record = read_record(path)
    assert [seen.duration_s for seen in record.violations] == [2.5, None]
    assert record.summary is None
    recorder.close(5.0, looks=5)
    record = read_record(path)
    assert [seen.duration_s for seen in record.violations] == [2.5, 1.0]
    assert record.of("apps") == record.violations
    assert record.of("others") == []
    assert record.summary is not None
    assert (record.summary["violations"], record.summary["looks"]) == (2, 5)
    with path.open("a") as file:
        file.write('{"kind": "beg')
    assert len(read_record(path).violations) == 2
