package queue_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// FuzzJob reads what Redis holds, which others may write.
func FuzzJob(f *testing.F) {
	job, err := json.Marshal(queue.Job{Recording: call.Recording{Integration: "main", ID: "a", URL: "https://mtt.ru/a.mp3", GroupID: 1 << 63, AnnouncedAt: time.Unix(1_780_000_000, 0).UTC()}, Attempt: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(job)
	for _, s := range []string{``, `{}`, `{"recording":{"recording_id":"a"},"attempt":-1}`, `{"recording":{"recording_id":"a","call_id":"x"}}`, `null`, `{"attempt":1e99}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		job, err := queue.Decode(payload)
		if err != nil {
			return
		}
		if job.Recording.ID == "" || job.Attempt < 0 {
			t.Fatalf("job %+v", job)
		}
		again, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := queue.Decode(again); err != nil || !cmp.Equal(job, same) {
			t.Fatalf("%v: %s", err, cmp.Diff(job, same))
		}
	})
}
