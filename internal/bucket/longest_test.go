package bucket_test

import (
	"testing"
	"time"

	"fonoteka/internal/bucket"
)

var found = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func TestTheLongestFileIsTheRecording(t *testing.T) {
	t.Parallel()
	file := func(key string, ms int64, minutes int) bucket.Sidecar {
		return bucket.Sidecar{Key: key, DurationMS: ms, StoredAt: found.Add(time.Duration(minutes) * time.Minute)}
	}
	own, beside, other := file("r/a.mp3", 21600, 0), file("r/a.0123456789abcdef.mp3", 60000, 60), file("r/a.fedcba9876543210.mp3", 60000, 50)
	for _, c := range []struct {
		files []bucket.Sidecar
		want  string
	}{
		{[]bucket.Sidecar{own}, own.Key},
		{[]bucket.Sidecar{own, beside}, beside.Key},
		{[]bucket.Sidecar{beside, own}, beside.Key},
		{[]bucket.Sidecar{beside, own, other}, beside.Key},
		{[]bucket.Sidecar{other, own, beside}, other.Key},
		{[]bucket.Sidecar{file("r/a.0123456789abcdef.mp3", 21600, -9), own}, own.Key},
		{[]bucket.Sidecar{file("r/a.0123456789abcdef.mp3", 9000, 9), own}, own.Key},
	} {
		if got := c.files[bucket.Longest(c.files)].Key; got != c.want {
			t.Errorf("%+v: %s", c.files, got)
		}
	}
}
