// Pins a small container registry, to which the tests push charts.
module mooring.invalid/registry

go 1.26.0

require github.com/google/go-containerregistry v0.22.1
