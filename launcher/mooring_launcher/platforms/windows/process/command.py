"""Follows a command that runs beside the target: what it prints, and its end in time."""

import threading

from mooring_launcher.platforms.target import CommandResult
from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows.calls import WindowsCallError
from mooring_launcher.platforms.windows.process import jobs, processes
from mooring_launcher.platforms.windows.process.exit_status import KILLED, exit_status

_OUTPUT_LIMIT = 4096


def follow(process: int, job: int, reading: int, timeout_s: float) -> CommandResult:
    """Wait for a command while a thread reads what it prints; end its job when the time is up."""
    chunks: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(reading, chunks), name="mooring-output", daemon=True)
    reader.start()
    in_time = handles.wait_for(process, int(timeout_s * 1000))
    jobs.terminate_job(job, KILLED)
    handles.wait_for(process)
    reader.join()
    text = b"".join(chunks)[:_OUTPUT_LIMIT].decode("utf-8", "replace").strip()
    return CommandResult(exit_status(processes.read_exit_code(process)) if in_time else None, text)


def _read_all(handle: int, chunks: list[bytes]) -> None:
    """Read to the end, keeping no more than is shown, so that a command never waits for a full pipe."""
    kept = 0
    try:
        while chunk := handles.read_chunk(handle):
            if kept < _OUTPUT_LIMIT:
                chunks.append(chunk)
                kept += len(chunk)
    except WindowsCallError:
        return
