"""One attachment: its place, what runs there (health server, target, gate), what it reports, how its target is stopped.

`waiting` comes before: finding the anchor's compartment, within the time that the configuration allows.
"""
