package system

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/seed"
	"fonoteka/internal/sim"
)

// beside makes a database with everything that this one holds, but the tables
// that are named, in the same engine; its parts are hard links, so that what is
// done to it leaves the installation as it is. It is dropped with the test.
func (s *sized) beside(t *testing.T, without ...string) (o sized) {
	t.Helper()
	db, name := newDatabase(t, s.options)
	o = *s
	o.options.Database, o.db = name, db
	t.Cleanup(func() { changeAt(t, s.options.HTTPAddr, s.options.User, s.options.Password, "DROP DATABASE "+name) })
	for table := range strings.Lines(askFormat(t, s.db, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name NOT LIKE 'goose%' AND name NOT LIKE 'seed\\\\_%' SETTINGS final = 0", "TSV")) {
		table = strings.TrimSpace(table)
		if strings.Contains(" "+strings.Join(without, " ")+" ", " "+table+" ") {
			continue
		}
		for _, query := range []string{"TRUNCATE TABLE %s.%s", "ALTER TABLE %s.%s ATTACH PARTITION ALL FROM " + s.options.Database + "." + table} {
			changeAt(t, s.options.HTTPAddr, s.options.User, s.options.Password, fmt.Sprintf(query, name, table))
		}
	}
	for _, dictionary := range []string{"directory_account", "directory_number"} {
		changeAt(t, s.options.HTTPAddr, s.options.User, s.options.Password, "SYSTEM RELOAD DICTIONARY "+name+"."+dictionary)
	}
	return o
}

// TestPanelsAtSizeRewritten measures the panels and reports once more where a
// fifth of the calls has been written again with a higher version and is not
// merged: as after a change of the rules.
func TestPanelsAtSizeRewritten(t *testing.T) {
	installation := openSize(t, *sizeLarge)
	s := installation.beside(t)
	began := time.Now()
	_, err := seed.Run(t.Context(), seed.Options{
		Address: s.options.HTTPAddr, User: s.options.User, Password: s.options.Password, Database: s.options.Database,
		History: sim.HistoryOptions{From: s.now.Add(-longest - 40*24*time.Hour), To: s.now.Add(time.Hour)}, Reversioned: 0.2,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("rewritten in %v\n", time.Since(began).Round(time.Second))
	for table, key := range map[string]string{"calls": "started_at, integration, call_id", "legs": "started_at, integration, call_id, leg_id", "calls_by_client": "integration, client_number, started_at, call_id"} {
		share, err := strconv.ParseFloat(askTSV(t, s.db, fmt.Sprintf(`SELECT countIf(n = 2) / count() FROM
			(SELECT count() AS n FROM %s WHERE intHash64(call_id) %% 50 = 0 AND is_deleted = 0 GROUP BY %s SETTINGS final = 0)`, table, key)), 64)
		if err != nil {
			t.Fatal(err)
		}
		verdict(t, math.Abs(share-0.2) > 0.02, "percent of the rows of "+table+" with two unmerged versions", "20", "%.1f", 100*share)
	}
	fmt.Println(s.about(t))
	panelsOf(t, ", a fifth of the calls rewritten", &s, nil)
}
