package volume

import "github.com/prometheus/client_golang/prometheus"

var (
	silence  = desc("silence_seconds", "Time since the last notification of a call.", "integration")
	ever     = desc("ever", "1 if a call of the integration is known of the last weeks, 0 if none is: a wrong redirect URI from the first day on looks like that.", "integration")
	missing  = desc("missing_calls", "Calls that usually begin in a span such as the silence, by the same hours of the eight weeks before; not there in the first week.", "integration")
	dayCalls = desc("day_calls", "Calls that began in the last 24 hours, counted every ten minutes.", "integration")
	dayUsual = desc("day_usual_calls", "Calls that usually begin in such 24 hours; not there in the first week.", "integration")
	offset   = desc("zone_offset_seconds", "How early the announced times are when read in the configured zone, in quarters of an hour: 0 if the zone is right; not there where too few calls tell.", "integration")
	skew     = desc("clock_skew_seconds", "What is left of the announced times' difference to ours: clocks and delay.", "integration")
	measured = desc("measured_timestamp_seconds", "When arrivals were last compared, 0 before the first time.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("fonoteka_arrivals_"+name, help, labels, nil)
}

// Describe is part of prometheus.Collector.
func (w *Watch) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{silence, ever, missing, dayCalls, dayUsual, offset, skew, measured} {
		ch <- d
	}
}

// Collect is part of prometheus.Collector. A scrape never queries the warehouse.
func (w *Watch) Collect(ch chan<- prometheus.Metric) {
	w.mu.Lock()
	all, at := w.standing, w.at
	w.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if at.IsZero() {
		gauge(measured, 0)
		return
	}
	gauge(measured, float64(at.UnixMilli())/1000)
	known := map[string]bool{}
	for _, s := range all {
		known[s.Integration] = true
	}
	for _, name := range w.opts.Integrations {
		gauge(ever, map[bool]float64{true: 1}[known[name]], name)
	}
	for _, s := range all {
		gauge(silence, s.Silence.Seconds(), s.Integration)
		gauge(dayCalls, s.Day, s.Integration)
		if s.Learned {
			gauge(missing, s.Missing, s.Integration)
			gauge(dayUsual, s.Usual, s.Integration)
		}
		if s.Zone.Known {
			gauge(offset, s.Zone.Offset.Seconds(), s.Integration)
			gauge(skew, s.Zone.Skew.Seconds(), s.Integration)
		}
	}
}
