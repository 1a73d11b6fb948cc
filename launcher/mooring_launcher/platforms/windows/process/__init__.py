"""The target: a job and its processes, their account, command line, consoles, and how they end."""
