// Asker sends requests at a fixed rate and tells how many failed, and for how long nobody answered.
//
// The rate is kept whatever becomes of the requests before (an open loop), and a request's time counts from when it was
// due: a client that waits for slow answers would hide an outage by asking less during it.
//
// One JSON object on standard output when the time is up or on SIGTERM; a line a second on standard error meanwhile.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var plan Plan
	flag.StringVar(&plan.URL, "url", "", "what to GET")
	flag.Float64Var(&plan.Rate, "rate", 200, "requests a second")
	flag.DurationVar(&plan.Timeout, "timeout", 5*time.Second, "a request fails this long after it was due")
	flag.BoolVar(&plan.KeepAlive, "keepalive", false, "use connections again; else each request has a new one")
	flag.StringVar(&plan.ServerHeader, "server-header", "", "the header that tells who answered; else the body's first line does")
	duration := flag.Duration("for", 0, "how long; 0: until SIGTERM")
	flag.Parse()
	if plan.URL == "" || plan.Rate <= 0 || plan.Timeout <= 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "asker: want -url http://…, and a positive -rate and -timeout")
		os.Exit(2)
	}

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if *duration > 0 {
		ctx, cancel = context.WithTimeout(ctx, *duration)
		defer cancel()
	}
	report := plan.Ask(ctx, func(line string) { fmt.Fprintln(os.Stderr, line) })
	_ = json.NewEncoder(os.Stdout).Encode(report)
}
