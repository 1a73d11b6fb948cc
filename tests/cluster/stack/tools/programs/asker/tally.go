package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// failureLimit is how many failures are told one by one; all are counted.
const failureLimit = 1000

// Failure is one request that was not answered well.
type Failure struct {
	At      string  `json:"at"`
	After   float64 `json:"after_s"` // from the first request to when this one was due
	Kind    string  `json:"kind"`
	Detail  string  `json:"detail"`
	Seconds float64 `json:"seconds"` // from when it was due
}

// Report is what the asker prints. Latencies are of requests answered well, in milliseconds from when each was due.
type Report struct {
	Sent        int            `json:"sent"`
	OK          int            `json:"ok"`
	Failed      int            `json:"failed"`
	Seconds     float64        `json:"seconds"`
	Kinds       map[string]int `json:"kinds"`
	Failures    []Failure      `json:"failures"`
	LeftOff     int            `json:"failures_left_off"`
	LongestGap  float64        `json:"longest_without_success_s"`
	GapEndedAt  string         `json:"longest_without_success_until"`
	Servers     map[string]int `json:"servers"`
	P50         float64        `json:"latency_p50_ms"`
	P99         float64        `json:"latency_p99_ms"`
	Max         float64        `json:"latency_max_ms"`
	LatestStart float64        `json:"latest_start_ms"` // how late the asker itself was, at worst: a starved machine
}

// tally counts what the requests' goroutines tell.
type tally struct {
	began time.Time

	lock       sync.Mutex
	gotAt      time.Time // the last success, or the beginning
	gap        time.Duration
	gapEndedAt time.Time
	latest     time.Duration
	latencies  []float64
	result     Report
}

func newTally(began time.Time) *tally {
	result := Report{Kinds: map[string]int{}, Servers: map[string]int{}, Failures: []Failure{}}
	return &tally{began: began, gotAt: began, gapEndedAt: began, result: result}
}

func (t *tally) send(late time.Duration) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.result.Sent++
	t.latest = max(t.latest, late)
}

func (t *tally) take(got answer, due, now time.Time) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if got.kind == "" {
		t.result.OK++
		t.result.Servers[got.server]++
		t.latencies = append(t.latencies, milliseconds(now.Sub(due)))
		t.close(now)
		return
	}
	t.result.Failed++
	t.result.Kinds[got.kind]++
	if len(t.result.Failures) == failureLimit {
		t.result.LeftOff++
		return
	}
	t.result.Failures = append(t.result.Failures, Failure{
		At:      due.UTC().Format("2006-01-02T15:04:05.000Z"),
		After:   seconds(due.Sub(t.began)),
		Kind:    got.kind,
		Detail:  got.detail,
		Seconds: seconds(now.Sub(due)),
	})
}

// close ends the time since the last success.
func (t *tally) close(now time.Time) {
	// The lock is not taken in the order of the clock.
	if gap := now.Sub(t.gotAt); gap > t.gap {
		t.gap, t.gapEndedAt = gap, now
	}
	if now.After(t.gotAt) {
		t.gotAt = now
	}
}

func (t *tally) line(now time.Time) string {
	t.lock.Lock()
	defer t.lock.Unlock()
	r := t.result
	return fmt.Sprintf("%.0f s: sent %d ok %d failed %d, last success %.1f s ago",
		now.Sub(t.began).Seconds(), r.Sent, r.OK, r.Failed, now.Sub(t.gotAt).Seconds())
}

// report sums up. After stopped no request was sent, so no success was to be had for longer than that.
func (t *tally) report(stopped time.Time) Report {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.close(stopped)
	r := t.result
	r.Seconds = seconds(stopped.Sub(t.began))
	r.LongestGap = seconds(t.gap)
	r.GapEndedAt = t.gapEndedAt.UTC().Format("2006-01-02T15:04:05.000Z")
	r.LatestStart = milliseconds(t.latest)
	slices.Sort(t.latencies)
	r.P50, r.P99, r.Max = quantile(t.latencies, 0.5), quantile(t.latencies, 0.99), quantile(t.latencies, 1)
	slices.SortFunc(r.Failures, func(a, b Failure) int { return int(math.Copysign(1, a.After-b.After)) })
	return r
}

// quantile returns the smallest value that at least that share of the sorted ones does not exceed; 0 of none.
func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func milliseconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1000 }
