"""Turn pairs into Apps: `make` groups replicas of one program, `convert` turns one pair into values.

`convert` calls a module for each topic: `anchors` (the anchor's half), `accounts`, `probes`, `volumes`; `halves` has
what both halves share, and `services` what the Services add. A field that no module takes is a leftover.
"""
