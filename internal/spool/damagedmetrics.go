package spool

import "github.com/prometheus/client_golang/prometheus"

var (
	unacknowledged = prometheus.NewDesc("fonoteka_spool_damage_unacknowledged",
		"1 for each folder in which damage was met and of which no person has said that they know.", []string{"folder"}, nil)
	damagedRecords = prometheus.NewDesc("fonoteka_spool_damage_records",
		"Records of a damaged spool that was put aside which a consumer had not done with: relayed since, waiting for that, or missing (not readable: at most as many are lost). Until it is acknowledged.",
		[]string{"folder", "cursor", "state"}, nil)
)

// collectDamaged reads the notes in the folders at each scrape: they are few, and
// another process acknowledges them.
func (m *metrics) collectDamaged(ch chan<- prometheus.Metric) {
	folders, err := DamagedFolders(m.spool.opts.FS, m.spool.opts.Dir)
	if err != nil {
		m.spool.opts.Log.Error("damaged spools are not counted", "err", err)
		return
	}
	gauge := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	for _, d := range folders {
		r := d.Report()
		if r.Acknowledged != nil {
			continue
		}
		gauge(unacknowledged, 1, r.Folder)
		if r.Found == nil {
			continue
		}
		for cursor, reader := range r.Found.Readers {
			waiting := reader.Owed
			if reader.Done != nil {
				waiting = 0
			}
			gauge(damagedRecords, reader.Relayed, r.Folder, cursor, "relayed")
			gauge(damagedRecords, waiting, r.Folder, cursor, "waiting")
			gauge(damagedRecords, reader.Missing, r.Folder, cursor, "missing")
		}
	}
}
