"""From an App to the files of its chart, and from K2s' manifests to an App: all of `mooring` but the rehearsal."""
