package fixity_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

// sidecarOfForm is a sidecar as it was written in a form, for a body.
func sidecarOfForm(t *testing.T, form int, what string, body []byte) (key string, doc []byte) {
	t.Helper()
	golden, err := os.ReadFile(fmt.Sprintf("../bucket/testdata/sidecars/%d-%s.json", form, what))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(golden), strings.Repeat("ab", 32), digest(body))
	text = strings.Replace(text, `"size": 2304`, fmt.Sprintf(`"size": %d`, len(body)), 1)
	side, err := bucket.ReadSidecar(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return side.Key, []byte(text)
}

// Sidecars lie in locked buckets for years: the catalogue is rebuilt from those of
// any form, and is the same but for what form 1 says in words alone.
func TestRebuildReadsSidecarsOfEveryForm(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"archived", "quarantined"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				body := []byte("what was stored")
				rows := map[int]call.RecordingStatus{}
				for _, form := range []int{1, 2} {
					m := newMemory()
					key, doc := sidecarOfForm(t, form, what, body)
					m.objects[key], m.objects[bucket.SidecarKey(key)] = body, doc
					r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: true}, nil, nil)
					if err != nil || r.Rebuilt != 1 || r.Unusable != 0 || r.Faulty != 0 || len(m.rows) != 1 {
						t.Fatalf("form %d: %+v, %v", form, r, err)
					}
					for _, row := range m.rows {
						rows[form] = row
					}
					if r, err := m.checker(0).Scrub(t.Context(), fixity.Query{}, nil, nil); err != nil || r.Wrong != 0 {
						t.Errorf("form %d, scrubbed: %+v, %v", form, r, err)
					}
				}
				old, now := rows[1], rows[2]
				if old.Note == "" || old.Reason() != old.Note || now.Note != "" || now.Reason() == "" {
					t.Errorf("form 1 says %q, form 2 %q", old.Reason(), now.Reason())
				}
				if what == "quarantined" && (now.Failure.Code != call.CodeDamaged || !now.NextAttemptAt.Equal(time.Now())) {
					t.Errorf("form 2: %+v", now)
				}
				if what == "archived" && (now.Lock.Mode != "COMPLIANCE" || !now.Unmeasured || now.MismatchedTalk != time.Minute) {
					t.Errorf("form 2: %+v", now)
				}
				old.Note, now.Failure, now.Unmeasured, now.MismatchedTalk, now.Lock = "", call.Failure{}, false, 0, call.Lock{}
				if diff := cmp.Diff(now, old); diff != "" {
					t.Errorf("form 2 (-) and form 1 (+):\n%s", diff)
				}
			})
		})
	}
}

// A sidecar that was copied to another recording's place tells nothing of it.
func TestAnotherRecordingsSidecarRebuildsNothing(t *testing.T) {
	t.Parallel()
	m := newMemory()
	one, other := m.archive(1, []byte("one")), m.archive(2, []byte("other"))
	m.objects[bucket.SidecarKey(one.Key)] = m.objects[bucket.SidecarKey(other.Key)]
	clear(m.rows)
	r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{}, nil, nil)
	if _, made := m.rows[one.ID]; err != nil || made || r.Rebuilt != 1 || r.Unusable != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is altered and has no copy gets its row all the same, which says so.
func TestAnAlteredFileWithoutACopyIsRebuiltAsFaulty(t *testing.T) {
	t.Parallel()
	m := newMemory()
	row := m.archive(1, []byte("one"))
	alter(m, row.Key)
	clear(m.rows)
	r, err := m.checker(0).Rebuild(t.Context(), fixity.RebuildOptions{Verify: true}, nil, nil)
	if err != nil || r.Rebuilt != 1 || r.Faulty != 1 || fixity.Faulty(m.rows[row.ID]) != fixity.Altered {
		t.Errorf("%+v, %v: %+v", r, err, m.rows[row.ID])
	}
}

func TestAFindingIsSaidAsItsRowWillSayIt(t *testing.T) {
	t.Parallel()
	m := newMemory()
	row := m.archive(1, []byte("one"))
	f, err := m.checker(0).Check(t.Context(), row)
	if err != nil || f.Sentence() != "verified" {
		t.Errorf("%s, %v", f.Sentence(), err)
	}
	alter(m, row.Key)
	var said string
	_, err = m.checker(0).Scrub(t.Context(), fixity.Query{}, func(f fixity.Finding) { said = f.Sentence() }, nil)
	if err != nil || said != m.rows[row.ID].Reason() || !strings.HasPrefix(said, "altered: ") {
		t.Errorf("%v: %s, and the row %s", err, said, m.rows[row.ID].Reason())
	}
}
