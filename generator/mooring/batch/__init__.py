"""Many Apps in one run: find their files, select the changed ones, share the work among processes, report each result.

`generate` is the entry point for other programs.
"""
