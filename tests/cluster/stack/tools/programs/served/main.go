// Served is a program such as an App team might own: it knows nothing of mooring, pods or compartments.
//
// It listens on one fixed port of every address and answers with its process id. How it behaves is asked of it by
// HTTP or by flags, so that a test can have one that starts slowly, hangs, forks, leaves a daemon behind or ends badly.
// On SIGTERM it finishes what it has begun and ends with status 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	port := flag.Int("port", 8080, "the port it listens on")
	version := flag.String("version", "1", "what it says it is")
	startDelay := flag.Duration("start-delay", 0, "listen only after this long")
	ignoreTerm := flag.Bool("ignore-term", false, "do not end on SIGTERM")
	child := flag.Bool("child", false, "start one more process of itself, which only waits")
	daemon := flag.Bool("daemon", false, "leave a process behind in a session of its own")
	wait := flag.Bool("wait", false, "only wait (what the child and the daemon do)")
	lifetime := flag.Duration("lifetime", 0, "end after this long; 0: never")
	code := flag.Int("code", 0, "the exit code after -lifetime")
	busy := flag.Bool("busy", false, "use a whole core")
	flag.Parse()

	if *wait {
		for {
			time.Sleep(time.Hour)
		}
	}
	if *child {
		start(exec.Command(os.Args[0], "-wait"))
	}
	if *daemon {
		command := exec.Command(os.Args[0], "-wait")
		command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		start(command)
	}
	if *lifetime > 0 {
		time.AfterFunc(*lifetime, func() { os.Exit(*code) })
	}
	if *busy {
		go spin(time.Time{})
	}
	time.Sleep(*startDelay)

	var hangs atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for hangs.Load() {
			time.Sleep(100 * time.Millisecond)
		}
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintf(w, "pid %d version %s ordinal %s address %s\n", os.Getpid(), *version, os.Getenv("MOORING_ORDINAL"), local)
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		seconds, _ := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64)
		time.Sleep(time.Duration(seconds * float64(time.Second)))
		fmt.Fprintf(w, "pid %d after %g s\n", os.Getpid(), seconds)
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, r *http.Request) {
		seconds, _ := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64)
		go spin(time.Now().Add(time.Duration(seconds * float64(time.Second))))
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { hangs.Store(true) })
	mux.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(r.URL.Query().Get("code"))
		os.Exit(number)
	})
	server := &http.Server{Addr: fmt.Sprintf(":%d", *port), Handler: mux}

	ended := make(chan struct{})
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM)
	go func() {
		for range terms {
			if !*ignoreTerm {
				break
			}
		}
		_ = server.Shutdown(context.Background())
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
	<-ended
}

func start(command *exec.Cmd) {
	if err := command.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(5)
	}
}

// spin uses a core until a moment, for ever if it is the zero one.
func spin(until time.Time) {
	for until.IsZero() || time.Now().Before(until) {
		for range 1_000_000 {
		}
	}
}
