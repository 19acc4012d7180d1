package bucket_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
)

func TestKeysComeFromTheNotificationAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ integration, link, want string }{
		{"main", "https://mtt.ru/records/1/2020/06/24/A.mp3", "recordings/main/2020/06/24/ID.mp3"},
		{"main", "https://mtt.ru/A.mp3", "recordings/main/undated/ID.mp3"},
		{"../Ёлка/x", "https://mtt.ru/records/1/2020/02/31/A.mp3", "recordings/..______x/undated/ID.mp3"},
		{"..", "https://mtt.ru/A.mp3", "recordings/_../undated/ID.mp3"},
		{"", "https://mtt.ru/A.mp3", "recordings/_/undated/ID.mp3"},
	} {
		if got := bucket.Key(call.Recording{Integration: c.integration, ID: "ID", URL: c.link}, "mp3"); got != c.want {
			t.Errorf("%q, %q: %s, want %s", c.integration, c.link, got, c.want)
		}
	}
}

func TestAKeyTellsItsRecording(t *testing.T) {
	t.Parallel()
	id, sum := strings.Repeat("0a", 16), strings.Repeat("0123456789abcdef", 4)
	day := "recordings/main/2026/03/02/"
	for key, want := range map[string]string{ // stem, id, first key
		day + id + ".mp3":                            day + id + " " + id + " " + day + id + ".mp3",
		day + id + ".json":                           day + id + " " + id + " " + day + id + ".json",
		day + id + ".0123456789abcdef.2.wav":         day + id + " " + id + " " + day + id + ".wav",
		"quarantine/main/" + id + "/" + sum + ".ogg": "quarantine/main/" + id + " " + id + " quarantine/main/" + id + ".ogg",
		"quarantine/main/" + id + "/x.ogg":           "",
		"quarantine/main/x/" + sum + ".ogg":          "",
		day + id:                                     "",
		day + "0A.mp3":                               "",
		"other.txt":                                  "",
	} {
		got := ""
		if stem, of, ok := bucket.Split(key); ok {
			got = stem + " " + of + " " + bucket.FirstKey(key)
		} else if bucket.FirstKey(key) != key {
			t.Errorf("%s: the first key is %s", key, bucket.FirstKey(key))
		}
		if got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

func TestCopiesOfAFileHavePlacesOfTheirOwn(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0123456789abcdef", 4)
	want := []string{
		"r/id.0123456789abcdef.mp3", "r/id.0123456789abcdef.2.mp3", "r/id.0123456789abcdef.3.mp3", "r/id.0123456789abcdef.4.mp3", "r/id.0123456789abcdef.5.mp3",
		"r/id.0123456789abcdef.6.mp3", "r/id.0123456789abcdef.7.mp3", "r/id.0123456789abcdef.8.mp3", "r/id.0123456789abcdef.9.mp3",
	}
	if diff := cmp.Diff(want, bucket.AlternateKeys("r/id.mp3", sum)); diff != "" {
		t.Error(diff)
	}
	if key := bucket.InFormat("r/id.mp3", "wav"); key != "r/id.wav" {
		t.Error(key)
	}
}
