"""The probe commands `probe ready|live|started`. They run every few seconds: no ssl, no threads, one small file."""

import os
import sys
import time
from typing import Any

from mooring_launcher.reports.status import read_status

READY_FRESH_S = 5.0
LIVE_FRESH_S = 60.0
"""With the chart's period and threshold a launcher may hang for a minute and more before kubelet ends it."""
STARTING_S = 300.0
"""How long a pair that was never ready counts as starting, when kubelet probes it more often."""


def probe(question: str, state_dir: str) -> tuple[bool, str]:
    """Answer one of the three probes: whether it succeeds, and why (not)."""
    record = read_status(state_dir)
    if record is None:
        return False, "the launcher has written no status"
    # A killed launcher leaves a record with a fresh heartbeat. Without /proc (Windows) only the heartbeat decides.
    if sys.platform != "win32" and os.path.isdir("/proc/self") and not os.path.isdir(f"/proc/{record['pid']}"):
        return False, "the launcher that wrote the status has ended"
    age_s = time.monotonic() - record["heartbeat"]
    return judge_record(question, record, age_s)


def judge_record(question: str, record: dict[str, Any], age_s: float) -> tuple[bool, str]:
    """Judge a record by its content and its age in seconds. A heartbeat from the future is from before a reboot.

    A launcher that hangs counts as started: only then does kubelet run the liveness probe, and end it.
    """
    limit_s = READY_FRESH_S if question == "ready" else LIVE_FRESH_S
    if not 0 <= age_s <= limit_s:
        why = f"the launcher's last heartbeat is {age_s:.0f} s old, wanted 0 to {limit_s:.0f} s"
        return question == "started", why
    if question == "started" and record["heartbeat"] - record["since"] > STARTING_S:
        return True, f"it has been starting for more than {STARTING_S:.0f} s"
    if question == "live":
        return bool(record["live"]), str(record["reason"] or "live")
    return bool(record[question]), str(record["reason"] or question)
