"""Console events and windows: how a program is asked to stop, and how the launcher is.

A console event reaches every process at a console, so the target has its own (CREATE_NO_WINDOW), and the event
is sent by a helper process that attaches to it, so the launcher need not leave its own.
"""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from ctypes import POINTER, byref, c_void_p

from mooring_launcher.platforms.windows import handles
from mooring_launcher.platforms.windows import layouts as w
from mooring_launcher.platforms.windows.calls import WindowsCallError, bind, bind_checked
from mooring_launcher.platforms.windows.process import processes

EVENTS = {"ctrlC": w.CTRL_C_EVENT, "ctrlBreak": w.CTRL_BREAK_EVENT}
COMMAND = "console-event"
"""The launcher's subcommand that the helper runs: `console-event ctrlC|ctrlBreak PID…`."""

_HELPER_LIMIT_MS = 10_000
_ARRIVAL_LIMIT_S = 2.0
_DELIVERY_S = 0.1
_ENDINGS = {
    w.CTRL_CLOSE_EVENT: "CTRL_CLOSE",
    w.CTRL_LOGOFF_EVENT: "CTRL_LOGOFF",
    w.CTRL_SHUTDOWN_EVENT: "CTRL_SHUTDOWN",
}
_HANDLER = ctypes.CFUNCTYPE(w.BOOL, w.DWORD)
_EACH_WINDOW = ctypes.CFUNCTYPE(w.BOOL, c_void_p, c_void_p)

_free = bind("kernel32", "FreeConsole", w.BOOL)
_attach = bind_checked("kernel32", "AttachConsole", w.BOOL, w.DWORD)
_set_handler = bind_checked("kernel32", "SetConsoleCtrlHandler", w.BOOL, c_void_p, w.BOOL)
_generate = bind_checked("kernel32", "GenerateConsoleCtrlEvent", w.BOOL, w.DWORD, w.DWORD)
_list_processes = bind("kernel32", "GetConsoleProcessList", w.DWORD, POINTER(w.DWORD), w.DWORD)
_enum_windows = bind("user32", "EnumWindows", w.BOOL, _EACH_WINDOW, c_void_p)
_window_process = bind("user32", "GetWindowThreadProcessId", w.DWORD, c_void_p, POINTER(w.DWORD))
_post_message = bind("user32", "PostMessageW", w.BOOL, c_void_p, w.DWORD, c_void_p, c_void_p)

_kept: list[object] = []
"""ctypes callbacks that Windows may call until the process ends."""


def send_event(event: str, pids: Sequence[int]) -> None:
    """Have a helper send the event once to each console that these processes have.

    WindowsCallError with why none could be reached.
    """
    words = [str(pid) for pid in pids]
    helper = [*sys.orig_argv[: len(sys.orig_argv) - len(sys.argv[1:])], COMMAND, event, *words]
    with processes.helper(sys.executable, helper[1:], os.environ) as (process, reading):
        if not handles.wait_for(process, _HELPER_LIMIT_MS):
            processes.terminate_process(process, 1)
            raise WindowsCallError("the helper for console events did not end", w.WAIT_TIMEOUT)
        code = processes.read_exit_code(process)
        # The event itself has ended the helper: then it has been sent.
        if code not in (0, w.STATUS_CONTROL_C_EXIT):
            said = handles.read_chunk(reading).decode("utf-8", "replace").strip()
            whom = f"process {words[0]}" if len(words) == 1 else f"processes {', '.join(words)}"
            call = f"{event} to the console of {whom}: {said or 'the helper failed'}"
            raise WindowsCallError(call, code)


def run_helper(event: str, pids: Sequence[int]) -> int:
    """Be the helper: send the event to each console; return 0 when there was one, else the code of what failed."""
    reached: set[int] = set()
    problems: list[WindowsCallError] = []
    for pid in pids:
        if pid not in reached:
            try:
                reached |= _ask_console(event, pid)
            except WindowsCallError as error:
                problems.append(error)
    if reached or not problems:
        return 0
    sys.stdout.write(f"{problems[0]}\n")
    return problems[0].code or 1


def _ask_console(event: str, pid: int) -> set[int]:
    """Attach to the console of a process and send the event to every process there; return their ids."""
    _free()
    _attach(pid)
    there = _console_processes()
    _send_here(event)
    return {pid, *there}


def _console_processes() -> list[int]:
    """Return the processes at this console. While the list does not fit, it is read again with more room."""
    room = 64
    while True:
        pids = (w.DWORD * room)()
        count = _list_processes(pids, room)
        if count <= room:
            return list(pids[:count])
        room = count


def _send_here(event: str) -> None:
    """Send the event to every process at this process's console, outlive it, and wait until it has arrived.

    SetConsoleCtrlHandler(NULL, TRUE) would do for CTRL_C only: it does not ignore CTRL_BREAK (documented there), so
    there is a handler. The call returns before the event is delivered, and a sender that detaches right away can be
    gone before that (winsw waits for the same reason). Once this process has it, the console is working down its list;
    the rest takes a moment.
    """
    arrived = threading.Event()

    def outlive(_event: int) -> int:
        arrived.set()
        return True

    _handle(outlive)
    _set_handler(None, False)  # CTRL_C may have been switched off further up, and its arrival is waited for
    # Group 0 is every process at the console. CTRL_BREAK reaches the target as well, whose group that is.
    _generate(EVENTS[event], 0)
    arrived.wait(_ARRIVAL_LIMIT_S)
    time.sleep(_DELIVERY_S)


def let_ctrl_c_through() -> None:
    """Have programs that are started from now on hear CTRL_C.

    A process that starts another in its own group disables CTRL_C in it and in all that it starts (documented at
    SetConsoleCtrlHandler), and the parent of this launcher may have done so.
    """
    _set_handler(None, False)


def close_windows(pids: Collection[int]) -> int:
    """Post WM_CLOSE to every top-level window of these processes; return how many there were."""
    asked: list[int] = []

    def ask(window: int, _context: object) -> int:
        pid = w.DWORD()
        _window_process(window, byref(pid))
        if pid.value in pids:
            asked.append(window)
            _post_message(window, w.WM_CLOSE, None, None)
        return True

    _enum_windows(_EACH_WINDOW(ask), None)
    return len(asked)


def block_shutdown(tell: Callable[[str], None]) -> None:
    """Report CTRL_SHUTDOWN, CTRL_CLOSE and CTRL_LOGOFF, and keep this process alive until it ends by itself.

    Windows ends a process whose handler returns, so it never does; a second event waits as the first. That is how
    a container is stopped whose preStop hook did not run.
    """

    def handle(event: int) -> int:
        if event not in _ENDINGS:
            return False  # CTRL_C and CTRL_BREAK are Python's own
        tell(_ENDINGS[event])
        threading.Event().wait()
        return True

    _handle(handle)


def _handle(function: Callable[[int], int]) -> None:
    """Have Windows call this function first, in its own thread, at every console event until the process ends."""
    handler = _HANDLER(function)
    _kept.append(handler)
    _set_handler(ctypes.cast(handler, c_void_p), True)
