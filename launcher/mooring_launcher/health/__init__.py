"""The launcher's HTTP server on the anchor's IP: kubelet's probes, `/hold`, metrics.

From outside, use `server` and the `Metrics` it renders; `siblings` is its client, for replicas that share an anchor.
"""
