package fixity_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/fixity"
)

// What is fetched again through a proxy that says that it has changed it (203) is
// noted as what is archived is: in custody and sidecar, and in the row that names it.
func TestWhatIsFetchedAgainThroughAProxyIsNoted(t *testing.T) {
	t.Parallel()
	audio := sample(t)
	other := append(bytes.Clone(audio), audio...)
	for name, c := range map[string]struct {
		body    []byte
		proxied bool
		step    string
	}{
		"the same file":               {audio, true, "restored"},
		"another file":                {other, true, "conflict"},
		"the same file, by no proxy":  {audio, false, "restored"},
		"another file, without proxy": {other, false, "conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			row := m.archive(1, audio)
			alter(m, row.Key)
			check := m.checker(0)
			findings, err := check.CheckAll(t.Context(), []call.RecordingStatus{row})
			if err != nil {
				t.Fatal(err)
			}
			f := findings[0]
			f.Row = m.rows[row.ID]
			_, err = check.Restore(t.Context(), f, func(ctx context.Context, r call.Recording) (fixity.File, error) {
				file, err := fetched(c.body)(ctx, r)
				file.Proxied = c.proxied
				return file, err
			})
			if err != nil {
				t.Fatal(err)
			}
			last := m.steps[len(m.steps)-1]
			if last.Step != c.step || strings.Contains(last.Detail, "changed by a proxy (answer 203)") != c.proxied {
				t.Errorf("custody: %s %q", last.Step, last.Detail)
			}
			beside := bucket.BesideKey(row.Key, digest(c.body))
			side, err := bucket.ReadSidecar(bytes.NewReader(m.objects[bucket.SidecarKey(beside)]))
			if err != nil || side.Proxied != c.proxied {
				t.Errorf("sidecar %+v, %v", side, err)
			}
			if now := m.rows[row.ID]; now.Proxied != (c.proxied && c.step == "restored") {
				t.Errorf("row %+v", now)
			}
		})
	}
}
