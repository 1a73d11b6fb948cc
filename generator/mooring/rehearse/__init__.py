"""Run a rendered chart on this machine, without a cluster: real launchers, sockets, processes and Helm."""
