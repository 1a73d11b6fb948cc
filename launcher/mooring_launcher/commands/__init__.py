"""A module for each command of `__main__`, which imports only the one that is run: probes run every few seconds."""
