"""The oracle that watches every test in `tests/cluster` sees what it should see. No cluster is needed.

A file for each rule, drawn by hand (`pictures`); then what it reads, writes and follows; then the whole process.
"""
