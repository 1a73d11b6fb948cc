"""How tests use a cluster, watch it and break it; it imports from `stack`, never the other way round.

`release` is an installed chart, `mirror` what the API shows of its namespace, `history` the same over time, `healing`
what every kind of release must survive. `asking` sends requests from inside, `account` uses a ServiceAccount's token,
`nodes` drains, `processes` looks into nodes, `metrics_server` feeds autoscalers. `faults/` breaks things; `garbage` is
an API server that answers nonsense.
"""
