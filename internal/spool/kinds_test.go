package spool_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fonoteka/internal/spool"
)

// outcome of opening a folder with PutAside.
type outcome string

const (
	aside   outcome = "put aside"
	inPlace outcome = "opened as it is"
	refused outcome = "refused"
)

// Kinds of damage to what lies in the folder. Of lost records only those count
// that one of the cursors had not passed.
var kinds = []struct {
	name string
	do   func(*testing.T, string)
	want outcome
	lost int // records that nobody can read any more, at most
	says string
}{
	{"log: a bit in the middle", onFile(logFile, flipAt(0.5, 0)), aside, 1, "pebble"},
	{"log: a bit in its head", onFile(logFile, flipAt(0, 0)), aside, 1, "pebble"},
	{"log: a bit in a chunk's length", onFile(logFile, func(b []byte) []byte { b[4] ^= 0x01; return b }), aside, 1, "pebble"},
	{"log: a bit in the last record", onFile(logFile, flipAt(0, 200)), aside, 1, "records 600 to 600 were acknowledged and are missing"},
	{"log: a page of zeros in the middle", onFile(logFile, func(b []byte) []byte { clear(b[40960:45056]); return b }), aside, 12, "pebble"},
	{"log: cut in the middle", onFile(logFile, cut(0.5)), aside, 90, "were acknowledged and are missing"},
	{"log: emptied", onFile(logFile, cut(0)), aside, 150, "records 451 to 600 were acknowledged and are missing"},
	{"log: deleted", gone(logFile), aside, 150, "there is no log"},
	{"log: all zeros", onFile(logFile, zero(0, 1)), aside, 150, "were acknowledged and are missing"},
	{"log: garbage", onFile(logFile, garbage), aside, 150, "were acknowledged and are missing"},
	{"log: a folder", folderInstead(logFile), aside, 150, "is a directory"},
	{"log: a record that was begun at its end", onFile(logFile, func(b []byte) []byte { return append(b, b[:300]...) }), inPlace, 0, ""},
	{"log: longer than any that we write", onFile(logFile, func(b []byte) []byte { return append(b, make([]byte, 65<<20)...) }), aside, 0, "more than 64 MiB"},
	{"table: a bit in a data block", onFile(aTable, flipAt(0.4, 0)), inPlace, 30, ""},
	{"table: a bit in its index", onFile(aTable, flipAt(0, 700)), aside, 300, "checksum mismatch"},
	{"table: a bit in its footer", onFile(aTable, flipAt(0, 20)), aside, 300, "pebble/table"},
	{"table: cut", onFile(aTable, cut(0.6)), aside, 300, "bytes, not"},
	{"table: a byte too long", onFile(aTable, func(b []byte) []byte { return append(b, 0) }), aside, 300, "bytes, not"},
	{"table: deleted", gone(aTable), aside, 300, "not exist"},
	{"table: all zeros", onFile(aTable, zero(0, 1)), aside, 300, "bad magic number"},
	{"table: its middle is zeros", onFile(aTable, zero(0.3, 0.5)), inPlace, 90, ""},
	{"table: a folder", folderInstead(aTable), aside, 300, "bytes, not"},
	{"manifest: a bit in the middle", onFile(theManifest, flipAt(0.5, 0)), aside, 0, ""},
	{"manifest: a bit in its head", onFile(theManifest, flipAt(0, 0)), aside, 0, ""},
	{"manifest: cut", onFile(theManifest, cut(0.5)), aside, 0, ""},
	{"manifest: emptied", onFile(theManifest, cut(0)), aside, 0, ""},
	{"manifest: deleted", gone(theManifest), aside, 0, "could not open manifest"},
	{"manifest: a folder", folderInstead(theManifest), aside, 0, "is a directory"},
	{"manifest's marker: deleted", gone("marker.manifest.*"), aside, 0, "which manifest holds"},
	{"manifest's marker: garbage", renamed("marker.manifest.*", "marker.manifest.xx"), aside, 0, "invalid marker"},
	{"manifest's marker: points elsewhere", renamed("marker.manifest.*", "marker.manifest.000099.MANIFEST-000099"), aside, 0, "could not open manifest"},
	{"options: garbage", onFile(theOptions, garbage), aside, 0, "invalid key=value"},
	{"options: another order of keys", onFile(theOptions, func(b []byte) []byte {
		return bytes.Replace(b, []byte("comparer=leveldb.Bytewise"), []byte("comparer=leveldc.Bytewise"), 1)
	}), aside, 0, "comparer"},
	{"options: emptied", onFile(theOptions, cut(0)), inPlace, 0, ""},
	{"options: deleted", gone(theOptions), inPlace, 0, ""},
	{"options: a folder", folderInstead(theOptions), aside, 0, "is a directory"},
	{"format's marker: deleted", gone("marker.format-version.*"), aside, 0, "not pristine"},
	{"format's marker: garbage", renamed("marker.format-version.*", "marker.format-version.000099.0x"), aside, 0, "the format is said to be"},
	{"format's marker: newer than the program", renamed("marker.format-version.*", "marker.format-version.000099.099"), refused, 0, "unknown format major version 99"},
	{"both markers: deleted", func(t *testing.T, dir string) {
		gone("marker.format-version.*")(t, dir)
		gone("marker.manifest.*")(t, dir)
	}, aside, 0, "which manifest holds"},
	{"the mark of the newest record: garbage", onFile("newest", garbage), inPlace, 0, ""},
	{"the mark and the log: deleted", func(t *testing.T, dir string) {
		gone("newest")(t, dir)
		gone(logFile)(t, dir)
	}, aside, 0, "there is no log"},
	{"everything but the mark: deleted", func(t *testing.T, dir string) {
		for _, pattern := range []string{"*.log", "*.sst", "MANIFEST*", "OPTIONS*", "marker*"} {
			all, err := filepath.Glob(filepath.Join(dir, pattern))
			must(t, err)
			for _, path := range all {
				must(t, os.Remove(path))
			}
		}
	}, aside, imageRecords - recordingsAt, "there is no store"},
	{"a file that does not belong there", func(t *testing.T, dir string) {
		must(t, os.WriteFile(filepath.Join(dir, "README.txt"), []byte("hello"), 0o600))
	}, inPlace, 0, ""},
}

// Whatever is damaged: it starts, takes records in, and everything that can be
// read is still handed out, with its receive time; or it is refused for a reason.
func TestP1P7EachKindOfDamage(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dir := imaged(t)
			k.do(t, dir)
			before := listing(t, dir)
			var log strings.Builder
			s, err := spool.Open(spool.Options{
				Dir: dir, ReserveBytes: 1, PutAside: true, Cursors: []string{"warehouse", "recordings"},
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if k.want == refused {
				if err == nil || errors.Is(err, spool.ErrDamagedStore) || !strings.Contains(err.Error(), k.says) {
					t.Fatalf("opened with %v, want a refusal with %q", err, k.says)
				}
				if after := listing(t, dir); after != before {
					t.Errorf("the folder was\n%s\nand is\n%s", before, after)
				}
				return
			}
			if err != nil {
				t.Fatalf("does not open: %v", err)
			}
			defer mustClose(t, s)
			if _, err := s.Append(t.Context(), spool.Record{Integration: "main", Body: []byte("new")}); err != nil {
				t.Fatalf("takes nothing: %v", err)
			}
			folders, err := spool.DamagedFolders(nil, dir)
			must(t, err)
			if got := map[bool]outcome{true: aside, false: inPlace}[len(folders) > 0]; got != k.want {
				t.Fatalf("%s, want %s\n%s", got, k.want, log.String())
			}
			if !strings.Contains(log.String(), k.says) {
				t.Errorf("the log does not say %q:\n%s", k.says, log.String())
			}
			if k.want == inPlace {
				checkInPlace(t, s, k.lost)
			} else {
				checkAside(t, s, folders, k.lost)
			}
		})
	}
	if len(kinds) < 30 {
		t.Errorf("%d kinds", len(kinds))
	}
}

// checkInPlace reads an opened spool: all records are there, or say that they are
// damaged, and the new one.
func checkInPlace(t *testing.T, s *spool.Spool, lost int) {
	t.Helper()
	recs := readAll(t, s)
	if len(recs) != imageRecords+1 || string(recs[imageRecords].Body) != "new" {
		t.Fatalf("%d records", len(recs))
	}
	damaged := 0
	for i, rec := range recs[:imageRecords] {
		id, err := idOf(rec.Body)
		switch {
		case errors.Is(rec.Err, spool.ErrDamaged):
			damaged++
		case rec.Err != nil || err != nil || id != uint64(i)+1:
			t.Errorf("record %d: %v, %v", i+1, rec.Err, err)
		}
	}
	if damaged > lost || (lost > 0) != (damaged > 0) {
		t.Errorf("%d records are damaged, want %d at most", damaged, lost)
	}
}

// checkAside reads what was put aside: each record once, right, behind the cursor
// of its reader; what is missing is counted.
func checkAside(t *testing.T, s *spool.Spool, folders []*spool.Damaged, lost int) {
	t.Helper()
	if len(folders) != 1 {
		t.Fatalf("%d folders", len(folders))
	}
	fresh := readAll(t, s)
	if len(fresh) != 1 || fresh[0].Seq != 1 {
		t.Fatalf("the new spool begins with %d records", len(fresh))
	}
	salvage, err := folders[0].Salvage()
	must(t, err)
	survey, err := salvage.Survey(t.Context())
	must(t, err)
	for _, cursor := range []string{"warehouse", "recordings"} {
		given := map[uint64]bool{}
		must(t, salvage.Records(t.Context(), survey, survey.From(cursor), func(batch []spool.Record) error {
			for _, rec := range batch {
				id, err := idOf(rec.Body)
				if err != nil || id != rec.Seq || given[id] || rec.Integration != "main" || rec.ReceivedAt.IsZero() {
					t.Errorf("%s: record %d: %v, id %d, twice: %t", cursor, rec.Seq, err, id, given[id])
				}
				if rec.ReceivedAt.After(fresh[0].ReceivedAt) {
					t.Errorf("record %d was received after the first of the new spool", rec.Seq)
				}
				given[id] = true
			}
			return nil
		}))
		readable, missing := survey.Owed(cursor)
		if int(readable) != len(given) || int(missing) > lost || (lost > 0) != (missing > 0) {
			t.Errorf("%s: %d given; said to be readable %d, missing %d, want %d at most", cursor, len(given), readable, missing, lost)
		}
		from, at := survey.From(cursor), map[string]uint64{"warehouse": warehouseAt, "recordings": recordingsAt}[cursor]
		if survey.LastKnown && (from > at+1 || from+readable+missing != imageRecords+1) {
			t.Errorf("%s: from %d on, %d readable, %d missing of %d", cursor, from, readable, missing, imageRecords)
		}
	}
	if lost == 0 && survey.LastKnown && survey.Readable != imageRecords {
		t.Errorf("%d records can be read, want all", survey.Readable)
	}
	t.Logf("readable %d, from %d to %d (%t), %d faults", survey.Readable, survey.First, survey.Last, survey.LastKnown, survey.FaultCount)
}
