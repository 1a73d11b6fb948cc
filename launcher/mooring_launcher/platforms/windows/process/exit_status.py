"""Words how a Windows program ended: its 32-bit code, and what is meant where that is an NTSTATUS."""

from mooring_launcher.platforms.target import ExitStatus

KILLED = 137
"""What a tree that the launcher ends exits with: 128 + 9, as on Linux."""

# ntstatus.h (MS-ERREF 2.3.1): what a program that did not end by itself most often leaves, and what to do about it.
MEANINGS = {
    0x40010004: ("DBG_TERMINATE_PROCESS", "it was ended by another process or at log-off"),
    0x80000003: ("STATUS_BREAKPOINT", "a breakpoint or an assertion was hit with no debugger attached"),
    0xC0000005: ("STATUS_ACCESS_VIOLATION", "it crashed: see its own log or a dump (Windows Error Reporting)"),
    0xC0000017: ("STATUS_NO_MEMORY", "the node or the pod's memory limit had no memory left"),
    0xC000001D: ("STATUS_ILLEGAL_INSTRUCTION", "it was built for another processor, or crashed"),
    0xC000007B: (
        "STATUS_INVALID_IMAGE_FORMAT",
        "it, or one of its DLLs, is not for this processor: 32 and 64 bits mixed",
    ),
    0xC0000094: ("STATUS_INTEGER_DIVIDE_BY_ZERO", "it crashed"),
    0xC00000FD: ("STATUS_STACK_OVERFLOW", "it crashed: endless recursion, or too small a stack"),
    0xC0000135: (
        "STATUS_DLL_NOT_FOUND",
        "a DLL is neither beside it nor on PATH: install its redistributable on the node",
    ),
    0xC0000138: ("STATUS_ORDINAL_NOT_FOUND", "a different version of a DLL is found first: check PATH and its folder"),
    0xC0000139: (
        "STATUS_ENTRYPOINT_NOT_FOUND",
        "a different version of a DLL is found first: check PATH and its folder",
    ),
    0xC000013A: ("STATUS_CONTROL_C_EXIT", "it ended on a console event"),
    0xC0000142: (
        "STATUS_DLL_INIT_FAILED",
        "a DLL could not start, often for lack of rights to the desktop: see target.runAs",
    ),
    0xC0000194: ("STATUS_POSSIBLE_DEADLOCK", "it ended itself because of a deadlock"),
    0xC0000374: ("STATUS_HEAP_CORRUPTION", "it crashed: its heap is damaged"),
    0xC0000409: ("STATUS_STACK_BUFFER_OVERRUN", "it ended itself immediately: abort, fail-fast or a damaged stack"),
    0xC000041D: ("STATUS_FATAL_USER_CALLBACK_EXCEPTION", "it crashed in a window's callback"),
    0xC0000420: ("STATUS_ASSERTION_FAILURE", "an assertion failed"),
    0xE0434352: ("an unhandled .NET exception", "the exception is on its standard error and in the event log"),
    0xE06D7363: ("an unhandled C++ exception", "see its own log"),
}


def exit_status(code: int, killed: bool = False) -> ExitStatus:
    """Return how a process with this exit code (0 to 0xFFFFFFFF) ended; `killed` by the launcher."""
    if killed and code == KILLED:
        return ExitStatus(code, None, "was ended together with its job")
    if code in MEANINGS:
        name, advice = MEANINGS[code]
        return ExitStatus(code, None, f"ended with 0x{code:08X} ({name}): {advice}")
    shown = f"0x{code:08X}" if code >= 0x80000000 else str(code)
    return ExitStatus(code, None, f"exited with code {shown}")
