"""The run of one replica: the loop, the state it is in, and what is done in each state.

Read `loop` from top to bottom, then `states`. `searching`, `keeping` and `stopping` act in one state each, `readiness`
reports the state to probes, and `threads` post most of the `events`.
"""

from mooring_launcher.runner.loop import Runner

__all__ = ["Runner"]
