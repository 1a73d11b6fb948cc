"""Whether the program is ready: the conditions of `gate` in the configuration, each checked at its own interval.

From outside, use `gate` (the verdict), `log` (what the log says of it) and `psutil` (what the program uses).
"""
