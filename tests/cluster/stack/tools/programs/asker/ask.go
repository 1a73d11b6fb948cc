package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// bodyLimit is as much of an answer as is read; firstLine, of its first line.
const (
	bodyLimit = 1 << 20
	firstLine = 200
)

// Plan is what to ask, and how.
type Plan struct {
	URL          string
	Rate         float64
	Timeout      time.Duration
	KeepAlive    bool
	ServerHeader string
}

// answer is how one request ended: kind is empty for one that was answered well.
type answer struct {
	kind, detail, server string
}

// Ask sends requests until ctx ends, waits for those under way, and reports. Each second it says how it goes.
func (p Plan) Ask(ctx context.Context, say func(string)) Report {
	dialer := &net.Dialer{Timeout: p.Timeout}
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			DisableKeepAlives:   !p.KeepAlive,
			MaxIdleConnsPerHost: 1000,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tally := newTally(time.Now())
	var underWay sync.WaitGroup

	told := make(chan struct{})
	go func() {
		defer close(told)
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				say(tally.line(time.Now()))
			}
		}
	}()

	for number := 0; ; number++ {
		due := tally.began.Add(time.Duration(float64(number) / p.Rate * float64(time.Second)))
		if !sleepUntil(ctx, due) {
			break
		}
		tally.send(time.Since(due))
		underWay.Add(1)
		go func() {
			defer underWay.Done()
			got := p.one(client, due)
			tally.take(got, due, time.Now())
		}()
	}
	stopped := time.Now()
	underWay.Wait()
	<-told
	return tally.report(stopped)
}

// sleepUntil tells whether the moment came before ctx ended.
func sleepUntil(ctx context.Context, moment time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	left := time.Until(moment)
	if left <= 0 {
		return true
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// one sends one request and reads its answer to the end.
func (p Plan) one(client *http.Client, due time.Time) answer {
	ctx, cancel := context.WithDeadline(context.Background(), due.Add(p.Timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return answer{kind: "request", detail: err.Error()}
	}
	response, err := client.Do(request)
	if err != nil {
		return failure(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if err != nil {
		return failure(err)
	}
	if response.StatusCode < 200 || response.StatusCode > 399 {
		return answer{kind: "status", detail: response.Status}
	}
	if p.ServerHeader != "" {
		return answer{server: response.Header.Get(p.ServerHeader)}
	}
	line, _, _ := strings.Cut(string(body), "\n")
	return answer{server: strings.TrimSpace(line[:min(len(line), firstLine)])}
}

// failure names what went wrong on the way.
func failure(err error) answer {
	kind := "other"
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		kind = "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		kind = "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		kind = "unreachable"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		kind = "timeout"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		kind = "cut" // the connection was closed in order, before the answer was whole
	}
	return answer{kind: kind, detail: fmt.Sprint(err)}
}
