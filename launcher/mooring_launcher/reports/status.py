"""The status file: how the launcher's main loop reports to the probe commands, which are other processes.

One record of a fixed size is overwritten in place, so a disk that fills up cannot turn a healthy pair unready.
"""

import json
import os
import time
from typing import Any

from mooring_launcher.platforms.files import create_file, open_file

RECORD_BYTES = 4096
FILE_NAME = "status.json"
_KEYS = {"serial", "heartbeat", "ready", "pid", "since", "started", "live", "reason", "end"}
_REASON_CHARACTERS = 500  # JSON may write each as six bytes


class StatusFile:
    """The writing side, held open by the launcher."""

    def __init__(self, state_dir: str) -> None:
        """Create the file at its full size, not ready. OSError when the directory cannot be written."""
        self.path = os.path.join(state_dir, FILE_NAME)
        self._fd = create_file(self.path)
        self._serial = 0
        self._since = time.monotonic()
        # A launcher that was killed may have left a record that says ready, with a heartbeat that is still fresh.
        self.write(ready=False, started=False, live=True, reason="starting")

    def write(self, *, ready: bool, started: bool, live: bool, reason: str) -> None:
        """Write a record with a fresh heartbeat."""
        self._serial += 1
        record: dict[str, Any] = {"serial": self._serial, "heartbeat": time.monotonic(), "ready": ready}
        record |= {"pid": os.getpid(), "since": self._since}
        record |= {"started": started, "live": live, "reason": reason[:_REASON_CHARACTERS], "end": self._serial}
        text = json.dumps(record).encode()
        os.lseek(self._fd, 0, os.SEEK_SET)
        os.write(self._fd, text[: RECORD_BYTES - 1].ljust(RECORD_BYTES - 1) + b"\n")

    def close(self) -> None:
        """Close and remove it: the record of a launcher that has ended is stale."""
        os.close(self._fd)
        try:
            os.unlink(self.path)
        except OSError:
            return  # the emptyDir was removed first


def read_status(state_dir: str) -> dict[str, Any] | None:
    """Return the record, None if there is none. A record caught while it is being written is read again."""
    path = os.path.join(state_dir, FILE_NAME)
    for _ in range(5):
        try:
            with open(open_file(path, os.O_RDONLY), "rb") as file:
                record = json.loads(file.read(RECORD_BYTES))
        except OSError:
            return None
        except ValueError:
            record = None
        if isinstance(record, dict) and record.keys() >= _KEYS and record["serial"] == record["end"]:
            return record
        time.sleep(0.01)
    return None
