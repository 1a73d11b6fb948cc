"""The pairing oracle: a process that checks a cluster ten times a second and records what must never be seen.

`python -m tests.cluster.oracle --kubeconfig FILE --record FILE.jsonl [--namespaces a,b|all] [--node NAME=PID]…`

It shares no code with the launcher, whose work it judges. `record.Oracle` starts and ends it, `record.read_record`
reads what it wrote. Its rules, each with its source:

- `split` (the watch of pods): a launcher and its anchor, both Ready, on two nodes.
- `shared` (the nodes' processes): programs of two launchers, or of two lives of one, in one network namespace, unless
  the strategy is `shared`.
- `wrong-anchor` (the nodes' processes): a program in the network of an anchor that is not its launcher's.
- `host-port` (sock_diag in a node's namespace): a port of a target, or a readiness port, that a process of a launcher
  opened in the node's own network.
- `endpoint` (requests from inside a node's network): an address that Services send traffic to has not answered for
  longer than the anchor's periodSeconds x failureThreshold + 1 s. TCP only; nothing is sent to a node that has ended.

Without `--node` (another cluster) only `split` can be judged, and the first record says so. It reads no StatefulSet: no
rule needs one.
"""
