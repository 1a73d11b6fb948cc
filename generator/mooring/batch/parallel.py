"""Map a function over many items in several processes, and yield the results in the items' order."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from mooring.errors import MooringError

START_METHOD = "fork" if sys.platform == "linux" else "spawn"
"""A fork shares what is already loaded; where the system's own threads make that unsafe, processes are spawned."""

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def usable_cpus() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(function: Callable[[_Item], _Result], items: Sequence[_Item], jobs: int) -> Iterator[_Result]:
    """Yield the function's result for each item, in the items' order.

    Each of `jobs` processes takes every `jobs`-th item, so none waits for work, and one whose parent has ended ends
    at its next result. No item is left half done: only the parent takes an interrupt.
    """
    if jobs < 2 or len(items) < 2:
        yield from map(function, items)
        return
    workers = _start(function, items, min(jobs, len(items)))
    try:
        for number in range(len(items)):
            yield _receive(workers[number % len(workers)][1])
    finally:
        for _, connection in workers:
            connection.close()
        for process, _ in workers:
            process.join()


def _start(function: Callable[[Any], Any], items: Sequence[Any], jobs: int) -> list[tuple[Any, Connection]]:
    import multiprocessing

    context = multiprocessing.get_context(START_METHOD)
    workers: list[tuple[Any, Connection]] = []
    for number in range(jobs):
        receiver, sender = context.Pipe(duplex=False)
        others = [receiver, *(connection for _, connection in workers)] if context.get_start_method() == "fork" else []
        process = context.Process(target=_work, args=(function, items[number::jobs], sender, others))  # type: ignore[attr-defined]
        process.start()
        sender.close()
        workers.append((process, receiver))
    return workers


def _work(function: Callable[[Any], Any], items: Sequence[Any], sender: Connection, others: list[Connection]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for connection in others:  # or no worker would notice that the parent has ended
        connection.close()
    try:
        for item in items:
            sender.send(_try(function, item))
    except BrokenPipeError:
        pass


def _try(function: Callable[[Any], Any], item: Any) -> tuple[bool, Any]:
    try:
        return True, function(item)
    except MooringError as error:
        return False, str(error)
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        return False, f"unexpected {type(error).__name__}: {error}"


def _receive(connection: Connection) -> Any:
    try:
        is_done, result = connection.recv()
    except EOFError as error:
        message = "a worker process ended before its work was done (was it killed, or out of memory?)"
        raise MooringError(message) from error
    if not is_done:
        raise MooringError(result)
    return result
