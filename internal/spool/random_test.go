package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/spool"
)

// Random damage to random files: it always starts, and whatever is handed out is
// right, once, and what is not is counted. Only a format that is not known is
// refused, and no name here says one.
func TestRandomDamage(t *testing.T) {
	t.Parallel()
	rounds := 30
	if testing.Short() {
		rounds = 10
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	kinds := map[outcome]int{}
	for round := range rounds {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		dir := imaged(t)
		var did []string
		for range 1 + rng.IntN(3) {
			all, err := os.ReadDir(dir)
			must(t, err)
			name := all[rng.IntN(len(all))].Name()
			if name == "LOCK" {
				continue
			}
			did = append(did, hurt(t, rng, filepath.Join(dir, name)))
		}
		s, err := spool.Open(spool.Options{Dir: dir, ReserveBytes: 1, PutAside: true, Cursors: []string{"warehouse"}})
		if err != nil {
			t.Fatalf("round %d: after %v it does not open: %v", round, did, err)
		}
		mustAppend(t, s, "new")
		folders, err := spool.DamagedFolders(nil, dir)
		must(t, err)
		seen := map[uint64]bool{}
		take := func(rec spool.Record) {
			if rec.Err != nil || string(rec.Body) == "new" {
				return
			}
			id, err := idOf(rec.Body)
			if err != nil || id != rec.Seq || seen[id] {
				t.Errorf("round %d: after %v record %d: %v, twice: %t", round, did, rec.Seq, err, seen[id])
			}
			seen[id] = true
		}
		recs := readAll(t, s)
		for _, rec := range recs {
			take(rec)
		}
		if len(folders) == 0 {
			kinds[inPlace]++
			// Without the mark a log that ends early passes for one that ended there.
			if noMark := strings.Contains(fmt.Sprint(did), "newest"); len(recs) != imageRecords+1 && !noMark {
				t.Errorf("round %d: after %v %d records", round, did, len(recs))
			}
		}
		for _, d := range folders {
			kinds[aside]++
			salvage, err := d.Salvage()
			if errors.Is(err, spool.ErrNoSpool) {
				continue
			}
			must(t, err)
			survey, err := salvage.Survey(t.Context())
			must(t, err)
			must(t, salvage.Records(t.Context(), survey, survey.From("warehouse"), func(batch []spool.Record) error {
				for _, rec := range batch {
					take(rec)
				}
				return nil
			}))
			readable, missing := survey.Owed("warehouse")
			if int(readable) != len(seen) || survey.LastKnown && survey.From("warehouse")+readable+missing != imageRecords+1 {
				t.Errorf("round %d: after %v %d given, %d readable, %d missing: %+v", round, did, len(seen), readable, missing, survey)
			}
		}
		mustClose(t, s)
	}
	t.Logf("%v", kinds)
}

// hurt does something to a file, and says what.
func hurt(t *testing.T, rng *rand.Rand, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	what := rng.IntN(5)
	if info.Size() == 0 {
		what = 4
	}
	name := filepath.Base(path)
	switch at := rng.IntN(max(int(info.Size()), 1)); what {
	case 0, 1:
		rewrite(t, path, func(b []byte) []byte { b[at] ^= 1 << rng.IntN(8); return b })
		return fmt.Sprintf("a bit of %s at %d", name, at)
	case 2:
		n := min(4096, int(info.Size())-at)
		rewrite(t, path, func(b []byte) []byte { clear(b[at : at+n]); return b })
		return fmt.Sprintf("%d zeros in %s at %d", n, name, at)
	case 3:
		must(t, os.Truncate(path, int64(at)))
		return fmt.Sprintf("%s cut at %d", name, at)
	default:
		must(t, os.Remove(path))
		return name + " deleted"
	}
}
