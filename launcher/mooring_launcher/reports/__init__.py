"""What the launcher reports: the log, the status file that probes read, how a run ended, whether its threads live."""
