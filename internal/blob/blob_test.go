package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"fonoteka/internal/blob"
)

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestStoredObjectsComeBackWithTheirDigest(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		for _, size := range []int{1, 300_000, 20 << 20} { // the last is beyond where clients switch to multipart
			body := bytes.Repeat([]byte("audio "), size/6+1)[:size]
			key := "recordings/a/" + digest(body) + ".mp3"
			put := blob.Put{Size: int64(size), SHA256: digest(body), ContentType: "audio/mpeg", Meta: map[string]string{"Duration-Ms": "12"}}
			if err := b.Put(t.Context(), key, bytes.NewReader(body), put); err != nil {
				t.Fatal(err)
			}
			o, err := b.Stat(t.Context(), key)
			if err != nil || o.Size != int64(size) || o.SHA256 != digest(body) || o.Meta["Duration-Ms"] != "12" || time.Since(o.StoredAt) > time.Minute {
				t.Errorf("Stat = %+v, %v", o, err)
			}
			r, o, err := b.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || !bytes.Equal(got, body) || o.SHA256 != digest(body) {
				t.Errorf("Get gives %d bytes, %+v, %v", len(got), o, err)
			}
		}
	})
}

func TestBytesThatAreNotTheAnnouncedOnesAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		body := []byte("these bytes")
		for name, put := range map[string]blob.Put{
			"another digest": {Size: int64(len(body)), SHA256: digest([]byte("other bytes"))},
			"too short":      {Size: int64(len(body)) + 5, SHA256: digest(body)},
			"too long":       {Size: int64(len(body)) - 5, SHA256: digest(body)},
			"no digest":      {Size: int64(len(body))},
			"no size":        {SHA256: digest(body)},
		} {
			key := "k/" + strings.ReplaceAll(name, " ", "-")
			if err := b.Put(t.Context(), key, bytes.NewReader(body), put); err == nil || errors.Is(err, blob.ErrExists) {
				t.Errorf("%s: Put = %v", name, err)
			}
			if o, err := b.Stat(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("%s: Stat = %+v, %v", name, o, err)
			}
		}
	})
}

func TestAKeyIsWrittenOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				body := bytes.Repeat([]byte{byte(i)}, 100_000)
				err := b.Put(context.Background(), "same", bytes.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: digest(body)})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, blob.ErrExists):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 7 {
			t.Errorf("%d wrote, %d were told that it exists", won.Load(), lost.Load())
		}
	})
}

func TestRemoveAndListing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s server) {
		b := s.bucket(t, blob.Options{})
		body := []byte("x")
		for _, key := range []string{"a/1.mp3", "a/1.json", "a/2.mp3"} {
			if err := b.Put(t.Context(), key, bytes.NewReader(body), blob.Put{Size: 1, SHA256: digest(body)}); err != nil {
				t.Fatal(err)
			}
		}
		list := func(prefix string) (keys []string) {
			if err := b.List(t.Context(), prefix, func(o blob.Object) bool { keys = append(keys, o.Key); return true }); err != nil {
				t.Error(err)
			}
			return keys
		}
		if diff := cmp.Diff([]string{"a/1.json", "a/1.mp3"}, list("a/1.")); diff != "" {
			t.Error(diff)
		}
		for range 2 { // the second time there is nothing left to remove
			if err := b.Remove(t.Context(), "a/1.mp3"); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"a/1.json", "a/2.mp3"}, list("")); diff != "" {
			t.Error(diff)
		}
		if _, _, err := b.Get(t.Context(), "a/1.mp3"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Get of a removed object: %v", err)
		}
	})
}

func TestEnsureBucketMayRunTwiceAtOnce(t *testing.T) {
	t.Parallel()
	url := s3URL(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			b, err := blob.Open(blob.Options{URL: url})
			if err == nil {
				err = b.EnsureBucket(context.Background())
			}
			if err == nil {
				err = b.Ping(context.Background())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestErrorsNameTheAttemptAndNeverTheSecret(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	good := s3URL(t)
	for name, raw := range map[string]string{
		"nobody listens": "s3://theKey:theSecret@" + nobody + "/bucket?secure=false",
		"wrong secret":   replaceSecret(t, good),
		"no such bucket": good,
		"cannot be read": "s3://theKey:theSecret@host:port/%zz",
		"other scheme":   "https://theKey:theSecret@host/bucket",
		"no bucket":      "s3://theKey:theSecret@host/",
		"two segments":   "s3://theKey:theSecret@host/a/b",
		"no host":        "s3://theKey:theSecret@/bucket",
		"no secret":      "s3://theKey@host/bucket",
		"bad bool":       "s3://theKey:theSecret@host/bucket?secure=theSecret",
		"unknown option": "s3://theKey:theSecret@host/bucket?sekure=true",
	} {
		err := func() error {
			b, err := blob.Open(blob.Options{URL: raw})
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			return b.Put(ctx, "some/key", strings.NewReader("x"), blob.Put{Size: 1, SHA256: digest([]byte("x"))})
		}()
		if err == nil || strings.Contains(err.Error(), "theSecret") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "wrong secret" && !strings.Contains(err.Error(), "403 SignatureDoesNotMatch") {
			t.Errorf("%s: the server's code is lost: %v", name, err)
		}
	}
}

func TestMetricsCountFailures(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b, err := blob.Open(blob.Options{URL: s3URL(t), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(reg, "fonoteka_blob_errors_total"); n != 8 || err != nil {
		t.Errorf("%d operations at the start, %v", n, err)
	}
	if _, err := b.Stat(t.Context(), "k"); err == nil {
		t.Error("Stat in no bucket succeeds")
	}
	if n, err := testutil.GatherAndCount(reg, "fonoteka_blob_errors_total", "fonoteka_blob_request_seconds"); n != 10 || err != nil {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func replaceSecret(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), "theSecret")
	return u.String()
}
