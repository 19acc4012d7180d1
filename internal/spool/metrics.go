package spool

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats are the contents of a spool at a time.
type Stats struct {
	First, Last uint64    // the oldest and the newest record; First > Last: empty
	Records     uint64    // erased ones included
	Oldest      time.Time // receive time of the oldest record, zero if empty
	Bytes       uint64    // on disk, the log included
	Free        uint64    // free bytes of the file system at the last check, 0 before the first append
	Full        bool      // only the reserve is left
	Cursors     map[string]Lag
}

// Lag is how far a cursor is behind.
type Lag struct {
	Seq     uint64        // the cursor
	Records uint64        // not passed yet
	Age     time.Duration // since the first of them was received, 0 if there is none
}

// Stats computes the statistics. It reads one record per cursor.
func (s *Spool) Stats() (Stats, error) {
	release, err := s.acquire()
	if err != nil {
		return Stats{}, err
	}
	defer release()
	s.mu.Lock()
	st := Stats{First: s.trimmed + 1, Last: s.synced, Records: s.synced - s.trimmed, Cursors: make(map[string]Lag, len(s.cursors))}
	for name, pos := range s.cursors {
		st.Cursors[name] = Lag{Seq: pos, Records: s.synced - max(pos, s.trimmed)}
	}
	s.mu.Unlock()
	if st.Records > 0 {
		st.Oldest = s.receivedAt(st.First, st.First)
	}
	for name, lag := range st.Cursors {
		if lag.Records > 0 {
			next := max(lag.Seq+1, st.First)
			lag.Age = max(s.opts.Now().Sub(s.receivedAt(next, next)), 0)
			st.Cursors[name] = lag
		}
	}
	st.Bytes = s.db.Metrics().DiskSpaceUsage()
	st.Free, st.Full = s.space.left.Load(), s.space.isFull.Load()
	return st, nil
}

type histogram struct{ prometheus.Histogram }

func (h histogram) since(t time.Time) { h.Observe(time.Since(t).Seconds()) }

// metrics are counters and gauges of the spool; those from Stats are computed at each
// scrape. They are not made by promauto, because Close unregisters them: a process may open a
// spool again.
type metrics struct {
	spool       *Spool
	appended    prometheus.Counter
	bytes       prometheus.Counter
	full        prometheus.Counter
	trimmed     prometheus.Counter
	damaged     prometheus.Counter
	tail        prometheus.Counter
	background  prometheus.Counter
	failed      prometheus.Gauge
	clockBehind prometheus.Gauge
	syncSeconds histogram
	batchSize   histogram
}

func newMetrics(s *Spool) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "fonoteka_spool_" + name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "fonoteka_spool_" + name, Help: help})
	}
	hist := func(name, help string, buckets []float64) histogram {
		return histogram{prometheus.NewHistogram(prometheus.HistogramOpts{Name: "fonoteka_spool_" + name, Help: help, Buckets: buckets})}
	}
	return &metrics{
		spool:       s,
		appended:    counter("appended_total", "Records made durable."),
		bytes:       counter("appended_bytes_total", "Bytes of bodies made durable."),
		full:        counter("full_total", "Records refused because the file system is down to its reserve."),
		trimmed:     counter("trimmed_total", "Records removed after all cursors had passed them and their time was over."),
		damaged:     counter("damaged_total", "Reads that met damaged data in the spool in use."),
		tail:        counter("discarded_tail_bytes_total", "Bytes at the end of the log that were left out at a start, since they were not written as a whole."),
		background:  counter("background_errors_total", "Flushes and compactions of the store that failed."),
		failed:      gauge("failed", "1 after a failed write or sync: nothing is accepted until a restart."),
		clockBehind: gauge("clock_behind_seconds", "How far the clock is behind the newest record's receive time."),
		syncSeconds: hist("sync_seconds", "Duration of a commit with its sync.", prometheus.ExponentialBuckets(50e-6, 2, 18)),
		batchSize:   hist("batch_records", "Records made durable by one sync.", prometheus.ExponentialBuckets(1, 2, 11)),
	}
}

func (m *metrics) committed(records, bytes int) {
	m.appended.Add(float64(records))
	m.bytes.Add(float64(bytes))
	m.batchSize.Observe(float64(records))
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.appended, m.bytes, m.full, m.trimmed, m.damaged, m.tail, m.background, m.failed, m.clockBehind, m.syncSeconds, m.batchSize, m}
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for i, c := range m.collectors() {
		if err := r.Register(c); err != nil {
			for _, c := range m.collectors()[:i] {
				r.Unregister(c)
			}
			return err
		}
	}
	return nil
}

func (m *metrics) unregister(r prometheus.Registerer) {
	if r == nil {
		return
	}
	for _, c := range m.collectors() {
		r.Unregister(c)
	}
}

var (
	lagRecords = prometheus.NewDesc("fonoteka_spool_cursor_lag_records", "Records that a consumer has not done with.", []string{"cursor"}, nil)
	lagSeconds = prometheus.NewDesc("fonoteka_spool_cursor_lag_seconds", "Age of the oldest record that a consumer has not done with.", []string{"cursor"}, nil)
	records    = prometheus.NewDesc("fonoteka_spool_records", "Records kept.", nil, nil)
	oldest     = prometheus.NewDesc("fonoteka_spool_oldest_timestamp_seconds", "Receive time of the oldest record kept, 0 if there is none.", nil, nil)
	diskBytes  = prometheus.NewDesc("fonoteka_spool_disk_bytes", "Bytes on disk.", nil, nil)
	freeBytes  = prometheus.NewDesc("fonoteka_spool_free_bytes", "Free bytes of the file system.", nil, nil)
	fullNow    = prometheus.NewDesc("fonoteka_spool_full", "1 while records are refused for lack of space.", nil, nil)
)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagRecords, lagSeconds, records, oldest, diskBytes, freeBytes, fullNow, unacknowledged, damagedRecords} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.collectDamaged(ch)
	st, err := m.spool.Stats()
	if errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled) {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for name, lag := range st.Cursors {
		gauge(lagRecords, float64(lag.Records), name)
		gauge(lagSeconds, lag.Age.Seconds(), name)
	}
	var since, full float64
	if !st.Oldest.IsZero() {
		since = float64(st.Oldest.UnixMilli()) / 1e3
	}
	if st.Full {
		full = 1
	}
	gauge(records, float64(st.Records))
	gauge(oldest, since)
	gauge(diskBytes, float64(st.Bytes))
	gauge(freeBytes, float64(st.Free))
	gauge(fullNow, full)
}
