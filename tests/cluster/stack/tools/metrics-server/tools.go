//go:build tools

// Package tools names what is built from this module, so that go.sum covers all of it.
package tools

import (
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
