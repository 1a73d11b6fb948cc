"""One time limit for several steps."""

import time


class Deadline:
    """The end of a check's time."""

    def __init__(self, limit_s: float) -> None:
        self._end_s = time.monotonic() + limit_s

    def left_s(self) -> float:
        """Return the seconds left. TimeoutError when there are none."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s
