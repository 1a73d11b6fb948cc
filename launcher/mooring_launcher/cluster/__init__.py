"""The Kubernetes API: what it says of this replica's pods, what follows from that, and the few requests it gets.

`api` is the one seam to the network (over a `connection`, about `resources`); `answers` says what an answer must be,
`watch` keeps it up to date. `anchor` holds the verdicts, pure functions of pods. `follow` scales the anchors, `heal`
evicts a pod of a pair that is split.
"""
