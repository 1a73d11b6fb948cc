"""Matches what a program answered against a regular expression, however long that would take.

Python's `re` has no time limit and lets no other thread run meanwhile, so the wrong text, which strangers may choose,
could make the launcher deaf for hours. An expression that repeats nothing cannot take long; any other is matched by a
separate process, which is ended when its time is up.
"""

import json
import re
import sys

_REPEATS = re.compile(r"[*+?{]")
# The process ends itself too, should the launcher end first: this watchdog needs no lock that `re` holds.
_HELPER = """
import faulthandler, json, os, re, sys
limit_s, pattern, text = json.load(sys.stdin)
faulthandler.dump_traceback_later(limit_s, exit=True, file=open(os.devnull, "w"))
print(int(re.search(pattern, text) is not None))
"""


def matches(pattern: "re.Pattern[str]", text: str, limit_s: float) -> bool:
    """Return whether the text holds a match. ValueError with a sentence when that is unknown, or not in time."""
    if not _REPEATS.search(pattern.pattern):
        return pattern.search(text) is not None
    import subprocess  # only now: it costs milliseconds of every start

    question = json.dumps([limit_s, pattern.pattern, text])
    command = [sys.executable, "-I", "-S", "-c", _HELPER]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command, input=question, capture_output=True, text=True, timeout=limit_s, check=False, creationflags=flags
        )
    except subprocess.TimeoutExpired as error:
        message = f"the body was not matched against {pattern.pattern!r} in time; use an expression with fewer repeats"
        raise ValueError(message) from error
    if done.returncode != 0:
        message = f"the process that matches the body ended with code {done.returncode}: {done.stderr[-200:].strip()}"
        raise ValueError(message)
    return done.stdout.strip() == "1"
