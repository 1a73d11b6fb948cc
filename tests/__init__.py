"""All tests; README.md says where a new one goes.

A package, so that every import among the tests is absolute: `from tests.chart.rendering import render`. Next to the
folders is what several of them share: `tools` (external programs, or a skip), `strategies` and `samples` (values
and Apps drawn at random), `crds`, `keda`, `linkerd`, `gateway_api` and `node_modules` (what others define, as judges).
"""
