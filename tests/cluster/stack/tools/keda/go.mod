// Pins the KEDA whose CustomResourceDefinition the chart's ScaledObject is held against. Nothing of it is built.
module mooring.invalid/keda

go 1.26.0

require github.com/kedacore/keda/v2 v2.21.0
