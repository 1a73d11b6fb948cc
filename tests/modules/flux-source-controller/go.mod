// Pins the Flux whose CustomResourceDefinitions the examples are held against. Nothing of it is built.
module mooring.invalid/flux-source-controller

go 1.26.0

require github.com/fluxcd/source-controller v1.7.0
