//go:build tools

// Package tools pins what is built from here.
package tools

import _ "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard"
