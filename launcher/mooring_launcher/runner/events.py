"""What the other threads post to the loop. Each is handled in the order in which it was posted."""

from typing import NamedTuple

from mooring_launcher.cluster.answers import Object
from mooring_launcher.cluster.api import ApiError
from mooring_launcher.errors import LauncherError
from mooring_launcher.platforms.target import ExitStatus
from mooring_launcher.runner.states import StopRequested


class Tick(NamedTuple):
    """Time to see what is due, or a condition of the gate has changed."""


class AnchorsSeen(NamedTuple):
    """What the API now says about the pods that may be the anchor; empty if there are none."""

    candidates: list[Object]


class WatchFailed(NamedTuple):
    """The API could not be watched, or gave no usable answer; the watch retries by itself."""

    error: ApiError


class TargetEnded(NamedTuple):
    """The target of the attachment of that generation has ended, as its lifetime says."""

    generation: int
    status: ExitStatus


class MainProcessEnded(NamedTuple):
    """The main process has ended; with lifetime tree the target may go on without it."""

    generation: int
    status: ExitStatus


class GateFailed(NamedTuple):
    """The gate found a program that must not run on, or cannot look any more."""

    generation: int
    error: LauncherError


class LadderDone(NamedTuple):
    """The target's tree has ended; it ended on that rung."""

    rung: str


Event = Tick | AnchorsSeen | WatchFailed | StopRequested | TargetEnded | MainProcessEnded | GateFailed | LadderDone
