"""How tests use a cluster, watch it and break it; takes from `stack`, never the other way round.

`release` is an installed chart and `mirror` what the API shows of its namespace; `history` is the same over time.
`asking` sends requests from inside, `nodes` drains, `processes` looks into nodes, `metrics_server` feeds autoscalers.
`faults/` breaks things, with `garbage` as the API server that answers nonsense.
"""
