package bounded_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"fonoteka/internal/bounded"
)

func gzipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, s := range parts {
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(s))
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func deflated(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write([]byte(s))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawDeflated is deflate without zlib's head and sum, which some senders give that name.
func rawDeflated(t testing.TB, s string, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(s))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatFitsIsReadWhole(t *testing.T) {
	t.Parallel()
	const limit = 100
	for _, n := range []int{0, 1, limit - 1, limit} {
		want := strings.Repeat("x", n)
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, read := range map[string]func() ([]byte, error){
			"reader":   func() ([]byte, error) { return bounded.Read(iotest.OneByteReader(strings.NewReader(want)), limit) },
			"file":     func() ([]byte, error) { return bounded.ReadFile(file, limit) },
			"plain":    func() ([]byte, error) { return bounded.Inflate([]byte(want), "", limit) },
			"identity": func() ([]byte, error) { return bounded.Inflate([]byte(want), " Identity", limit) },
			"gzip":     func() ([]byte, error) { return bounded.Inflate(gzipped(t, want), "GZIP", limit) },
			"x-gzip":   func() ([]byte, error) { return bounded.Inflate(gzipped(t, want[:n/2], want[n/2:]), "x-gzip", limit) },
			"deflate":  func() ([]byte, error) { return bounded.Inflate(deflated(t, want), "deflate", limit) },
			"raw": func() ([]byte, error) {
				return bounded.Inflate(rawDeflated(t, want, flate.BestCompression), "deflate", limit)
			},
			"stored": func() ([]byte, error) {
				return bounded.Inflate(rawDeflated(t, want, flate.NoCompression), "deflate", limit)
			},
		} {
			if got, err := read(); err != nil || string(got) != want {
				t.Errorf("%s of %d bytes: %d bytes, %v", name, n, len(got), err)
			}
		}
	}
}

func TestWhatIsLongerIsRefusedAndNotReadOn(t *testing.T) {
	t.Parallel()
	const limit = 100
	long := strings.Repeat("x", limit+1)
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	_, plain := bounded.Inflate([]byte(long), "", limit)
	_, zip := bounded.Inflate(gzipped(t, long), "gzip", limit)
	_, cut := bounded.Inflate(gzipped(t, long+strings.Repeat("y", 1000))[:30], "gzip", 10)
	_, deflate := bounded.Inflate(deflated(t, long), "deflate", limit)
	_, raw := bounded.Inflate(rawDeflated(t, long, flate.BestSpeed), "deflate", limit)
	_, inFile := bounded.ReadFile(file, limit)
	endless := &io.LimitedReader{R: zeros{}, N: 1 << 40}
	got, endlessly := bounded.Read(endless, limit)
	for name, err := range map[string]error{"plain": plain, "gzip": zip, "cut": cut, "deflate": deflate, "raw": raw, "file": inFile, "reader": endlessly} {
		if !errors.Is(err, bounded.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if read := 1<<40 - endless.N; read != limit+1 || len(got) != limit+1 {
		t.Errorf("%d bytes were read, %d returned", read, len(got))
	}
}

func TestErrorsNameTheLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]string{
		100: "it has more than 100 bytes: too large", 2048: "it has more than 2 KiB: too large", 3 << 20: "it has more than 3 MiB: too large",
	} {
		if _, err := bounded.Read(zeros{}, limit); err == nil || err.Error() != want {
			t.Errorf("%d: %v, want %q", limit, err, want)
		}
	}
	if _, err := bounded.Inflate(gzipped(t, strings.Repeat("x", 2<<20)), "gzip", 1<<20); err == nil || err.Error() != "it inflates to more than 1 MiB: too large" {
		t.Error(err)
	}
}

func TestWhatCannotBeInflatedSaysWhy(t *testing.T) {
	t.Parallel()
	for encoding, body := range map[string][]byte{"gzip": []byte("xx"), "x-gzip": gzipped(t, "abc")[:15], "deflate": []byte("xx")} {
		if got, err := bounded.Inflate(body, encoding, 100); err == nil || errors.Is(err, bounded.ErrTooLarge) || errors.Is(err, bounded.ErrEncoding) {
			t.Errorf("%s: %q, %v", encoding, got, err)
		}
	}
	for _, encoding := range []string{"br", "gzip, gzip", "zstd"} {
		if _, err := bounded.Inflate([]byte("xx"), encoding, 100); !errors.Is(err, bounded.ErrEncoding) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}

// A bomb costs no memory of its own, and neither does what stands before it.
func TestABombCostsTheLimitAtMost(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector takes memory of its own")
	}
	const limit = 64 << 10
	body := gzipped(t, strings.Repeat(" ", 32<<20))
	_, _ = bounded.Inflate(body, "gzip", limit) // so that the buffers are there
	per := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bounded.Inflate(body, "gzip", limit); !errors.Is(err, bounded.ErrTooLarge) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if per > 2*limit {
		t.Errorf("a bomb of %d bytes allocates %d", len(body), per)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// FuzzInflate holds Inflate against the standard library, within the limit.
func FuzzInflate(f *testing.F) {
	f.Add([]byte(`{"event":"callNotifications"}`), "", 100)
	f.Add(gzipped(f, `{"event":"callNotifications"}`), "gzip", 100)
	f.Add(gzipped(f, "one", "two"), "x-gzip", 5)
	f.Add(gzipped(f, strings.Repeat(" ", 1<<20)), "gzip", 1000)
	f.Add(deflated(f, strings.Repeat("x", 1000)), "deflate", 1000)
	f.Add(deflated(f, "x")[:5], "deflate", 1)
	f.Add(rawDeflated(f, strings.Repeat("x", 1000), flate.BestSpeed), "deflate", 1000)
	f.Fuzz(func(t *testing.T, body []byte, encoding string, limit int) {
		if limit < 0 || limit > 1<<20 {
			return
		}
		got, err := bounded.Inflate(body, encoding, limit)
		if len(got) > limit || err != nil && got != nil {
			t.Fatalf("%d bytes of %d with %v", len(got), limit, err)
		}
		var r io.Reader = bytes.NewReader(body)
		switch encoding {
		case "gzip":
			if r, err = gzip.NewReader(r); err != nil {
				return
			}
		case "deflate":
			if r, err = zlib.NewReader(r); err != nil {
				r = flate.NewReader(bytes.NewReader(body))
			}
		case "":
		default:
			return
		}
		want, wantErr := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		_, corrupt := errors.AsType[flate.CorruptInputError](wantErr)
		_, err = bounded.Inflate(body, encoding, limit)
		switch {
		case len(want) > limit && !errors.Is(err, bounded.ErrTooLarge), len(want) <= limit && corrupt && err == nil:
			t.Fatalf("%d bytes and %v, but %v", len(want), wantErr, err)
		case wantErr == nil && len(want) <= limit && (err != nil || !bytes.Equal(got, want)):
			t.Fatalf("%d bytes, %v; want %d", len(got), err, len(want))
		}
	})
}
