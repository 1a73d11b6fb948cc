"""Many Apps in one run: which files they are, which have changed, who makes which, and what became of each.

`generate` is what other programs call.
"""
