"""The target: a job and its processes, their account, command line, consoles, and how they end.

More than ten modules, as each binds one family of Windows' functions beside the Python that uses it.
"""
