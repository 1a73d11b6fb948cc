"""What makes a cluster, from Go sources to two Ready nodes; nothing here knows what is tested on it.

`builds` makes the programs that `tools/` pins, `machines` gives each machine its namespaces, `pki`, `control_plane`,
`node` and `images` turn machines into a control plane and nodes, `cluster` starts all of it. `kube` is the client.
`linkerd` and `network_policies` start what only some tests want beside it.
"""
