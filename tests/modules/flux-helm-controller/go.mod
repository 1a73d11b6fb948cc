// Pins the Flux whose CustomResourceDefinition the examples are held against. Nothing of it is built.
module mooring.invalid/flux-helm-controller

go 1.26.0

require github.com/fluxcd/helm-controller v1.4.0
