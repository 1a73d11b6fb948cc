"""Where manifests come from: files, directories, kustomize bases, standard input (`sources`) or a cluster (`cluster`).

`mending` repairs YAML that was copied by hand. Both readers return a `sources.Reading`.
"""
