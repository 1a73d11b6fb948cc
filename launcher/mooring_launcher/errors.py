"""The launcher's one error class and its exit codes: the list that docs/exit-codes.md is generated from."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the launcher's own failures exit with: 200 to 229, so that a target's own codes stay distinct.

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
        "The launcher met an unexpected error.",
        "Report it with the last log line, which has the traceback.",
    )
    USAGE = (
        201,
        "The command line is invalid.",
        "Use `run`, `check`, `stop`, `version`, `check-release`, or `probe` with `ready`, `live` or `started`.",
    )
    CONFIG_INVALID = (
        202,
        "The configuration is missing, is not JSON, or breaks its schema.",
        "Each problem is listed with its path; correct the chart's values.",
    )
    CONFIG_UNSUPPORTED = (
        203,
        "This launcher does not support the configuration's configVersion.",
        "Install the launcher of the chart's version on the node.",
    )
    NO_ORDINAL = (
        204,
        "Neither MOORING_ORDINAL nor POD_NAME gives the replica's ordinal.",
        "Run it as a StatefulSet's pod, with the chart's environment.",
    )
    UNSUPPORTED_PLATFORM = (
        205,
        "This platform has no backend, or lacks what the backend needs.",
        "Run on a supported operating system, with the privileges the chart gives.",
    )
    STATE_UNWRITABLE = (
        206,
        "The state directory is not writable, so probes cannot be answered.",
        "Check the emptyDir at MOORING_STATE_DIR and the disk's free space.",
    )
    API_UNREACHABLE = (
        207,
        "The API server was unreachable, or gave no usable answer, within the time limit.",
        "Check the node's route to the API server, its certificate and the pod's token.",
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
        "Check why its eviction is refused (a PodDisruptionBudget) or where it can be scheduled.",
    )
    COMPARTMENT_NOT_FOUND = (
        212,
        "The anchor's IP did not appear in the anchor's own compartment on this node within anchor.waitSeconds.",
        "The message says where it was instead. Check the container runtime and, on Linux, that /run/netns is mounted.",
    )
    COMPARTMENT_AMBIGUOUS = (
        213,
        "More than one network compartment of this node has the anchor's IP.",
        "Look for leftover namespaces on the node; the message names them.",
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
        "The target program does not match target.sha256, or cannot be checked against it.",
        "Install the right program on the node or correct target.sha256; on Linux, leave it out for a script.",
    )
    PLACEMENT_FAILED = (
        217,
        "A process of the target runs or listens outside the anchor's compartment.",
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
        "A gate condition needs psutil, which is not installed next to the launcher.",
        "Install it in the launcher's lib directory or remove the condition.",
    )
    READINESS_PORT_TAKEN = (
        221,
        "Another program listens on readiness.port in the anchor's compartment.",
        "Set readiness.port to a port that neither the target nor a sidecar uses.",
    )
    TARGET_SIGNATURE = (
        222,
        "The target program is not signed by target.signedBy, or its signature is not valid.",
        "Install the right program on the node, let the node trust its signer, or correct target.signedBy.",
    )
    RUN_AS_REFUSED = (
        223,
        "The account of target.runAs could not be used.",
        "The message names the call that failed, and what it needs.",
    )
    UNTRUSTED_PATH = (
        224,
        "Someone other than the node's administrators can change what the launcher runs, imports or reads.",
        "Remove other accounts' write access to the path in the message: docs/bundle.md has the commands.",
    )


class LauncherError(Exception):
    """A named failure: the launcher exits with `code`, and `str(error)` is the message."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
