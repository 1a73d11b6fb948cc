"""Linux and Windows: what the launcher needs of either, and how each provides it.

`compartment.Backend` and `target.Target` are the two protocols; `linux/` and `windows/` implement them, and ctypes is
used only there. `backends` picks one. The other modules are what both need: files, addresses, errors, lifetime.
"""
