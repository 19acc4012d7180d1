package blob_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"

	"fonoteka/internal/blob"
)

func probed(t *testing.T, name string, b *blob.Bucket) map[string]blob.Finding {
	t.Helper()
	found := map[string]blob.Finding{}
	for _, f := range b.Probe(t.Context()) {
		t.Logf("%s: %-16s %-10s %s | %s | %s", name, f.Check, f.Answer, f.Means, f.Do, f.Detail)
		found[f.Check] = f
		if (f.Answer == blob.No) != (f.Do != "") {
			t.Errorf("%s: %s, but to do: %q", f.Check, f.Answer, f.Do)
		}
		if said := fmt.Sprint(f); strings.Contains(said, "theSecret") || strings.Contains(said, "test-secret") {
			t.Errorf("%s shows a secret: %s", f.Check, said)
		}
	}
	return found
}

// expect compares answers: "y" yes, "n" no, "-" not needed, "?" not tried.
func expect(t *testing.T, name string, found map[string]blob.Finding, want string) {
	t.Helper()
	letter := map[blob.Answer]string{blob.Yes: "y", blob.No: "n", blob.NotNeeded: "-", blob.NotTried: "?"}
	for i, check := range []string{
		"reachable", "clock", "credentials", "bucket", "write and read", "conditional put", "checksum", "range", "listing",
		"multipart", "encryption", "versions", "object lock", "legal hold",
	} {
		if got := letter[found[check].Answer]; got != want[i:i+1] {
			t.Errorf("%s: %s is %q, want %q", name, check, got, want[i:i+1])
		}
	}
	if f, ok := found["clean-up"]; ok {
		t.Errorf("%s: left behind: %+v", name, f)
	}
}

// clean fails the test if Probe left anything in the bucket.
func clean(t *testing.T, b *blob.Bucket) {
	t.Helper()
	if all := versions(t, b, ""); len(all) != 0 {
		t.Errorf("left in the bucket: %+v", all)
	}
	if err := b.Leftovers(t.Context(), "", func(u blob.Upload) bool { t.Errorf("left: %+v", u); return true }); err != nil {
		t.Error(err)
	}
}

// A probe mostly waits for locks to run out, so all of them wait together.
func TestProbeSaysWhatTheStoreCanDo(t *testing.T) {
	t.Parallel()
	rule := blob.Retention{Mode: blob.Compliance, For: blob.Period{Years: 3}}
	sse := func(s string) blob.Encryption {
		e, err := blob.ParseEncryption(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	onBoth(t, func(t *testing.T, s server) {
		can := map[bool]string{true: "y", false: "-"}[s.encrypt]
		does := map[bool]string{true: "y", false: "n"}[s.encrypt]
		url := s.url(t)
		var wg sync.WaitGroup
		for name, c := range map[string]struct {
			made   *blob.Options // the bucket is made under these; nil: it is not
			asked  blob.Options
			want   string
			means  map[string]string
			change func(*blob.Bucket)
		}{
			"nothing asked":      {&blob.Options{}, blob.Options{}, "yyyyyyyyyy" + can + "-yy", map[string]string{"object lock": "is off", "legal hold": "no object lock"}, nil},
			"retention, locked":  {&blob.Options{Retention: rule}, blob.Options{Retention: rule}, "yyyyyyyyyy" + can + "yyy", map[string]string{"object lock": "for 3y (compliance)"}, nil},
			"retention, no lock": {&blob.Options{}, blob.Options{Retention: rule}, "yyyyyyyyyy" + can + "-ny", map[string]string{"object lock": "was made without object lock"}, nil},
			"retention, missing": {nil, blob.Options{Retention: rule}, "yyy-yyyyyy" + can + "yyy", map[string]string{"bucket": "not there yet"}, nil},
			"own key":            {&blob.Options{}, blob.Options{Encryption: sse("s3")}, "yyyyyyyyyy" + does + "-yy", nil, nil},
			"no such key":        {&blob.Options{}, blob.Options{Encryption: sse("kms:no-such-key")}, "yyyyyyyyyyn-yy", map[string]string{"encryption": "nothing is archived"}, nil},
			"locks by default": {&blob.Options{Retention: rule}, blob.Options{}, "yyyyyyyyyy" + can + "yyy", map[string]string{"bucket": "a bucket of its own"}, func(b *blob.Bucket) {
				mode, days, unit := minio.Compliance, uint(1), minio.Days
				if err := s.raw(t).SetObjectLockConfig(t.Context(), b.Name(), &mode, &days, &unit); err != nil {
					t.Error(err)
				}
			}},
		} {
			c.asked.URL = strings.Replace(url, "?", "-"+strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), ",", "")+"?", 1)
			if c.made != nil {
				c.made.URL = c.asked.URL
				b := s.bucket(t, *c.made)
				if c.change != nil {
					c.change(b)
				}
			}
			b := s.open(t, c.asked)
			wg.Go(func() {
				found := probed(t, name, b)
				expect(t, name, found, c.want)
				for check, want := range c.means {
					if got := found[check].Means; !strings.Contains(got, want) {
						t.Errorf("%s: %s: %q does not say %q", name, check, got, want)
					}
				}
				if c.made != nil {
					clean(t, b)
				} else if b.Ping(t.Context()) == nil {
					t.Errorf("%s: Probe made the bucket", name)
				}
			})
		}
		wg.Wait()
	})
}

// A store that cannot do one thing is told apart from one that can.
func TestProbeSaysWhatTheStoreCannotDo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		can := map[bool]string{true: "y", false: "-"}[s.encrypt]
		var wg sync.WaitGroup
		for check, c := range map[string]struct{ header, parameter, want, detail string }{
			"nothing":         {"", "", "yyyyyyyyyy" + can + "-yy", ""},
			"conditional put": {"If-None-Match", "", "yyyyynyyyy" + can + "-yy", "the store accepted it"},
			"checksum":        {"X-Amz-Checksum-Sha256", "", "yyyyyynyyy" + can + "-yy", "the store accepted it"},
			"range":           {"Range", "", "yyyyyyy-yy" + can + "-yy", "does not know ranges"},
			"multipart":       {"", "uploads", "yyyyyyyyy-" + can + "-yy", "501"},
		} {
			b := s.bucket(t, blob.Options{URL: s.spoiled(t, c.header, c.parameter)})
			wg.Go(func() {
				found := probed(t, check, b)
				expect(t, check, found, c.want)
				if got := found[check].Detail; !strings.Contains(got, c.detail) {
					t.Errorf("%s: %q does not say %q", check, got, c.detail)
				}
				clean(t, b)
			})
		}
		wg.Wait()
	})
}

func TestProbeOfNobodyAndOfAStranger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ url, want string }{
		"stranger": {replaceSecret(t, servers[0].url(t)), "yyn" + strings.Repeat("?", 11)},
		"nobody":   {"s3://k:theSecret@127.0.0.1:1/bucket?secure=false", "n" + strings.Repeat("?", 13)},
	} {
		expect(t, name, probed(t, name, servers[0].open(t, blob.Options{URL: c.url})), c.want)
	}
}

func TestInterruptedProbeLeavesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan []blob.Finding, 1)
		go func() { done <- b.Probe(ctx) }()
		raw := s.raw(t)
		own := "" // its bucket
		for own == "" {
			all, err := raw.ListBuckets(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, info := range all {
				if strings.HasPrefix(info.Name, "fonoteka-doctor-") {
					own = info.Name
				}
			}
		}
		cancel()
		for _, f := range <-done {
			if f.Check == "clean-up" {
				t.Errorf("left behind: %+v", f)
			}
		}
		clean(t, b)
	})
}
