// Pins the Argo CD whose CustomResourceDefinition the examples are held against. Nothing of it is built.
module mooring.invalid/argo-cd

go 1.26.0

require github.com/argoproj/argo-cd/v3 v3.5.0
