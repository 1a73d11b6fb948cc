"""The launcher, packaged: as text in a chart, as a directory for Windows nodes, for the rehearsal."""
