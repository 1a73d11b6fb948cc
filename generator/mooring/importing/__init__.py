"""`mooring import`: read manifests in K2s' pattern and write one App for each program.

In K2s' pattern two halves are written by hand: an anchor pod, which owns the network, and a HostProcess pod whose
command starts the program in the anchor's compartment. An import goes through these rooms in this order (`run` is the
walk); imports between them point only backwards along it:

- `reading/`: files, kustomize bases, standard input or a cluster become manifests; broken YAML is mended on request
- `commands/`: what a container's command starts: cmd, PowerShell, scripts, cplauncher's flags, kubelet's variables
- `pairs/`: which HostProcess pod starts which program in whose compartment
- `programs/`: pairs become the values of Apps, and every field is accounted for
- `neighbours/`: what every other object has to do with a program
- `cutover`, `texts`, `report`: the steps to the new pods, the App's file, the report

All of them use `manifests` (objects whose fields know their line, and whether they were taken) and `model` (what the
values allow).
"""
