// Proxy-injector is Linkerd's, started as its controller starts it, but with the folder of its charts as first argument.
//
// Without the generated file of a release Linkerd looks for them where its own source was compiled.
package main

import (
	"net/http"
	"os"

	injector "github.com/linkerd/linkerd2/controller/cmd/proxy-injector"
	"github.com/linkerd/linkerd2/pkg/charts/static"
)

func main() {
	static.Templates = http.Dir(os.Args[1])
	injector.Main(os.Args[2:])
}
