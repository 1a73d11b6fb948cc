"""Writes charts: each is planned, then exchanged as a whole, so that a killed run leaves the old or the new one."""
