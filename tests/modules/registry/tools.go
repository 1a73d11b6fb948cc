//go:build tools

// Package tools names what is built from here.
package tools

import (
	_ "github.com/google/go-containerregistry/cmd/registry"
)
