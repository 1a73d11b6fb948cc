"""Linkerd as a judge.

Its own charts (`charts`), the objects it accepts (`schemas`), whom its policies let in (`policy`), what asks that
(`controller`).
"""
