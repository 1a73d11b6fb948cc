// Pins the Gateway API whose CustomResourceDefinitions the chart's routes are checked against; nothing of it is built.
module mooring.invalid/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3
