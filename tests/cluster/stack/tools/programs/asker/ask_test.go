package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// ask asks for a while, quietly.
func ask(t *testing.T, plan Plan, during time.Duration) Report {
	t.Helper()
	if plan.Timeout == 0 {
		plan.Timeout = time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	return plan.Ask(ctx, func(string) {})
}

// serve returns the URL of a server in this process.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// onlyKind checks that every request failed, and in one way.
func onlyKind(t *testing.T, report Report, kind string) {
	t.Helper()
	if report.OK != 0 || report.Sent == 0 || report.Kinds[kind] != report.Sent || report.Failures[0].Kind != kind {
		t.Fatalf("want every request to fail by %q: %+v", kind, report)
	}
}

// Every request is counted, and so is who answered it.
func TestCountsTheAnswersOfEachServer(t *testing.T) {
	var number atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "server %d\nmore\n", number.Add(1)%2)
	})
	report := ask(t, Plan{URL: url, Rate: 100}, 400*time.Millisecond)
	if report.Failed != 0 || report.OK != report.Sent || report.Sent < 35 || report.Sent > 41 {
		t.Fatalf("%+v", report)
	}
	if report.Servers["server 0"]+report.Servers["server 1"] != report.OK || len(report.Servers) != 2 {
		t.Fatalf("%+v", report.Servers)
	}
}

// Who answered may be told by a header.
func TestTakesTheServerFromAHeader(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Who", "me") })
	report := ask(t, Plan{URL: url, Rate: 50, ServerHeader: "X-Who"}, 100*time.Millisecond)
	if report.OK == 0 || report.Servers["me"] != report.OK {
		t.Fatalf("%+v", report)
	}
}

// Each request has a connection of its own, unless they are to be used again.
func TestOpensAConnectionForEachRequest(t *testing.T) {
	for _, keepAlive := range []bool{false, true} {
		var connections atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		server.Start()
		report := ask(t, Plan{URL: server.URL, Rate: 50, KeepAlive: keepAlive}, 300*time.Millisecond)
		server.Close()
		if used := int(connections.Load()); (used == report.Sent) == keepAlive {
			t.Fatalf("keepalive %v: %d connections for %d requests", keepAlive, used, report.Sent)
		}
	}
}

// A slow server is asked as often as a fast one, and the time counts from when a request was due.
func TestKeepsTheRateWhateverTheAnswersTake(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(300 * time.Millisecond) })
	report := ask(t, Plan{URL: url, Rate: 100}, 400*time.Millisecond)
	if report.Sent < 35 || report.OK != report.Sent || report.P50 < 300 || report.Max < report.P99 {
		t.Fatalf("%+v", report)
	}
}

// A server that is slower than the timeout is a failure by timeout, as long as the timeout.
func TestFailsByTimeout(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	report := ask(t, Plan{URL: url, Rate: 50, Timeout: 100 * time.Millisecond}, 100*time.Millisecond)
	close(release)
	onlyKind(t, report, "timeout")
	if took := report.Failures[0].Seconds; took < 0.1 || took > 1 {
		t.Fatalf("%v", report.Failures[0])
	}
}

// A port on which nobody listens refuses.
func TestFailsByRefusal(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	onlyKind(t, ask(t, Plan{URL: url, Rate: 50}, 100*time.Millisecond), "refused")
}

// A connection that is reset before the answer is told apart from one that is closed in order half way.
func TestFailsByResetAndByCut(t *testing.T) {
	for kind, linger := range map[string]int{"reset": 0, "cut": -1} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if kind == "cut" {
				fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			}
			_ = connection.(*net.TCPConn).SetLinger(linger)
			connection.Close()
		})
		onlyKind(t, ask(t, Plan{URL: url, Rate: 50}, 100*time.Millisecond), kind)
	}
}

// A status that is no success is a failure that says which, and a redirection is not followed.
func TestFailsByStatus(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	report := ask(t, Plan{URL: url, Rate: 50}, 100*time.Millisecond)
	onlyKind(t, report, "status")
	if report.Failures[0].Detail != "503 Service Unavailable" {
		t.Fatalf("%+v", report.Failures[0])
	}
}

// The longest time without a success is that of the outage, and its failures say when they were.
func TestMeasuresAnOutage(t *testing.T) {
	began := time.Now()
	down := func() bool {
		since := time.Since(began)
		return since > 200*time.Millisecond && since < 600*time.Millisecond
	}
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if down() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	report := ask(t, Plan{URL: url, Rate: 100}, 900*time.Millisecond)
	if report.LongestGap < 0.38 || report.LongestGap > 0.6 || report.Failed < 35 || report.OK < 40 {
		t.Fatalf("%+v", report)
	}
	if first := report.Failures[0].After; first < 0.15 || first > 0.25 {
		t.Fatalf("the outage began after %v s", first)
	}
}

// An outage that lasts to the end counts to the end.
func TestMeasuresAnOutageThatLasts(t *testing.T) {
	began := time.Now()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(began) > 100*time.Millisecond {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	report := ask(t, Plan{URL: url, Rate: 100}, 500*time.Millisecond)
	if report.LongestGap < 0.38 || report.LongestGap > 0.5 {
		t.Fatalf("%+v", report)
	}
}

// Told to end by SIGTERM, the program waits for what is under way, prints its report and ends with 0.
func TestReportsOnSigterm(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) })
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "ASKER_ARGS=-rate 50 -url "+url)
	progress, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	command.Stdout = &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(progress).ReadString('\n')
	_ = command.Process.Signal(syscall.SIGTERM)
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	var report Report
	if err := json.NewDecoder(strings.NewReader(output.String())).Decode(&report); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(line, "1 s: sent ") || report.Sent < 45 || report.OK != report.Sent {
		t.Fatalf("%q %+v", line, report)
	}
}

// TestMain is main where TestReportsOnSigterm starts this test again as the program.
func TestMain(m *testing.M) {
	if arguments := os.Getenv("ASKER_ARGS"); arguments != "" {
		os.Args = append([]string{"asker"}, strings.Fields(arguments)...)
		main()
		return
	}
	os.Exit(m.Run())
}
