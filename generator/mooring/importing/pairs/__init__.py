"""Find the pairs: `find` matches launchers with anchors, `users` spots who starts anything in a compartment.

`found` holds the results: workloads, pairs and everything else.
"""
