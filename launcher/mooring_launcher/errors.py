"""The launcher's one error class and its exit codes: the single list that docs/exit-codes.md is made from."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the launcher's own failures exit with: 200 to 229, so that a target's own codes stay apart.

    Each member carries `meaning` (one line) and `remedy` (what an operator does about it).
    """

    meaning: str
    remedy: str

    def __new__(cls, code: int, meaning: str, remedy: str) -> "ExitCode":
        """Attach the two sentences to the number."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.remedy = remedy
        return member

    UNEXPECTED = (
        200,
        "The launcher met an error it has no name for.",
        "Read the last log line, which has the traceback, and report it.",
    )
    USAGE = (
        201,
        "The command line is not one the launcher knows.",
        "Use `run`, `check`, `stop`, `version`, `check-release`, or `probe` with `ready`, `live` or `started`.",
    )
    CONFIG_INVALID = (
        202,
        "The configuration is missing, is not JSON, or breaks its schema.",
        "Each problem is listed with its path; correct the chart's values.",
    )
    CONFIG_UNSUPPORTED = (
        203,
        "The configuration's configVersion is not one this launcher takes.",
        "Install the launcher that belongs to the chart's version on the node.",
    )
    NO_ORDINAL = (
        204,
        "Neither MOORING_ORDINAL nor POD_NAME tells the replica's ordinal.",
        "Run it as a StatefulSet's pod, with the chart's environment.",
    )
    UNSUPPORTED_PLATFORM = (
        205,
        "This platform has no backend, or lacks what the backend needs.",
        "Run on a supported operating system, with the privileges the chart gives.",
    )
    STATE_UNWRITABLE = (
        206,
        "The state directory cannot be written, so no probe could be answered.",
        "Check the emptyDir at MOORING_STATE_DIR and the disk's free space.",
    )
    API_UNREACHABLE = (
        207,
        "The API server could not be reached, or did not answer usefully, within the budget.",
        "Check the node's way to the API server, its certificate and the pod's token.",
    )
    API_FORBIDDEN = (
        208,
        "The API server refused a request that the launcher's Role should allow.",
        "Raise rbac.maxReplicas above the ordinal, or grant the verb the message names.",
    )
    ANCHOR_NOT_FOUND = (
        209,
        "No anchor became usable within anchor.waitSeconds.",
        "Look at the anchor pod's events; the message says what was still missing.",
    )
    ANCHOR_AMBIGUOUS = (
        210,
        "More than one live pod claims to be this replica's anchor.",
        "Delete all but one of the pods the message names.",
    )
    ANCHOR_ELSEWHERE = (
        211,
        "The anchor stayed on another node for longer than anchor.waitSeconds.",
        "Check why its eviction is refused (a PodDisruptionBudget) or where it can be placed.",
    )
    COMPARTMENT_NOT_FOUND = (
        212,
        "The anchor's IP was in no compartment of this node that is the anchor's own, within anchor.waitSeconds.",
        "The message says where it was instead. Check the container runtime and, on Linux, that /run/netns is mounted.",
    )
    COMPARTMENT_AMBIGUOUS = (
        213,
        "More than one network compartment of this node holds the anchor's IP.",
        "Look for left-over namespaces on the node; the message names them.",
    )
    TARGET_NOT_FOUND = (
        214,
        "The target program, or its working directory, does not exist on this node.",
        "Check target.exe, target.workingDir and target.mounts.",
    )
    TARGET_NOT_STARTED = (
        215,
        "The target program exists but could not be started.",
        "The message names the system call and its error.",
    )
    TARGET_CHECKSUM = (
        216,
        "The target program is not the one target.sha256 names, or cannot be held to it.",
        "Install the right program on the node or correct target.sha256; a script on Linux goes without.",
    )
    PLACEMENT_FAILED = (
        217,
        "The target, or a part of it, runs or listens outside the anchor's compartment.",
        "The program changes its own network: see the limits in the README.",
    )
    GATE_TIMEOUT = (
        218,
        "The health gate did not hold within gate.startTimeoutSeconds.",
        "The message names the condition and its last value.",
    )
    UNHEALTHY_RESTART = (
        219,
        "The health gate stopped holding and gate.onUnhealthy is restart.",
        "Look at the target's own log; the message names the condition.",
    )
    PSUTIL_MISSING = (
        220,
        "A gate condition needs psutil and it is not installed beside the launcher.",
        "Install it in the launcher's lib folder or drop the condition.",
    )
    READINESS_PORT_TAKEN = (
        221,
        "Another program listens on readiness.port in the anchor's compartment.",
        "Set readiness.port to one that neither the target nor a sidecar uses.",
    )
    TARGET_SIGNATURE = (
        222,
        "The target program is not signed by whom target.signedBy names, or its signature is not good.",
        "Install the right program on the node, let the node trust its signer, or correct target.signedBy.",
    )
    RUN_AS_REFUSED = (
        223,
        "The account of target.runAs could not be used.",
        "The message names the call that was refused, and what it needs.",
    )
    UNTRUSTED_PATH = (
        224,
        "Somebody other than the node's administrators could change what the launcher runs, imports or reads.",
        "Take from others the right to write to the path in the message: see docs/bundle.md for the commands.",
    )


class LauncherError(Exception):
    """A failure with a name: the launcher ends with `code`, and `str(error)` is the sentence told to people."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def render_exit_codes() -> str:
    """Return docs/exit-codes.md as text."""
    rows = [f"| {member.value} | `{member.name}` | {member.meaning} | {member.remedy} |" for member in ExitCode]
    return "\n".join([_PAGE_HEAD, *rows, ""])


_PAGE_HEAD = """\
# The launcher's exit codes

Any other code is the target's own: the launcher exits with what the target exited with (on Windows any of 32 bits),
and with 128 + n when signal n ended it. That is the code of its main process; with `target.lifetime: tree`, if that is
0, of the process of its tree that ended last. A stop that was asked for exits 0 when the target ended on SIGTERM, on
Windows on a console event (0xC000013A). The termination message (`kubectl describe pod`) is one JSON line: `by` says
whose code it is, `launcher` or `target`.

This page is made from `launcher/mooring_launcher/errors.py`.

| code | name | meaning | what to do |
|---|---|---|---|"""
