"""Writes charts: planned first, then each exchanged as a whole, so that a run that is killed leaves it old or new."""
