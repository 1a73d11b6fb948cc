"""Read manifests in K2s' pattern and write Apps: anchor and HostProcess pod by hand become one App per program."""
