package sim_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fonoteka/internal/sim"
	"fonoteka/internal/testenv"
)

// walk counts the frames that sound. It fails on anything but ID3v2, an Info
// frame first, and MPEG-2.5 Layer III frames at 8 kHz mono, up to the last byte.
func walk(t *testing.T, b []byte) (frames int, info bool) {
	t.Helper()
	size := len(b)
	if bytes.HasPrefix(b, []byte("ID3\x03\x00\x00")) {
		b = b[10+int(b[9]):]
		size = len(b)
	}
	kbits := []int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	for first := true; len(b) > 0; first = false {
		if len(b) < 4 || b[0] != 0xff || b[1] != 0xe3 || b[2]&0xf != 8 || b[3]>>6 != 3 || b[2]>>4 == 0 || b[2]>>4 == 15 {
			t.Fatalf("no frame header %d bytes before the end", len(b))
		}
		n := 72 * kbits[b[2]>>4] / 8
		if n > len(b) {
			t.Fatalf("the last frame of %d bytes has %d", n, len(b))
		}
		if first && string(b[13:17]) == "Info" {
			info = true
			told, bytesTold := binary.BigEndian.Uint32(b[21:]), binary.BigEndian.Uint32(b[25:])
			defer func() {
				if int(told) != frames || int(bytesTold) != size {
					t.Errorf("Info tells %d frames, %d bytes of %d, %d", told, bytesTold, frames, size)
				}
			}()
		} else {
			frames++
		}
		b = b[n:]
	}
	return frames, info
}

func TestRecordingsPlayAsLongAsTheTalk(t *testing.T) {
	t.Parallel()
	seen, infos := map[string]bool{}, 0
	for _, c := range newSim(t, sim.Options{Seed: 31, Calls: 400}).Calls() {
		total := time.Duration(0)
		for _, rec := range c.Recordings {
			b := rec.Bytes()
			frames, info := walk(t, b)
			if info {
				infos++
			}
			if got := time.Duration(frames) * 72 * time.Millisecond; got != rec.Duration() {
				t.Errorf("plays %s, ledger %s", got, rec.Duration())
			}
			if sum, size := rec.Digest(); seen[sum] || size != int64(len(b)) {
				t.Errorf("digest %s, size %d of %d bytes", sum, size, len(b))
			} else {
				seen[sum] = true
			}
			total += rec.Duration()
		}
		slack := 72 * time.Millisecond * time.Duration(len(c.Recordings))
		if c.Kind == sim.Parked && len(c.Recordings) > 0 && (total < c.Talk || total >= c.Talk+slack) {
			t.Errorf("talk of %s is recorded for %s", c.Talk, total)
		}
	}
	if infos < 20 || infos > len(seen)/2 {
		t.Errorf("%d of %d recordings have an Info frame", infos, len(seen))
	}
}

func TestRecordingsReachTheSizeThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, least := range []int{100_000, 300_000, 2_000_000} {
		for _, c := range newSim(t, sim.Options{Seed: 32, Calls: 40, RecordBytes: least}).Calls() {
			for _, rec := range c.Recordings {
				b := rec.Bytes()
				frames, _ := walk(t, b)
				if over := len(b) - least; over < 0 || over > 2000 && frames*72 < least {
					t.Errorf("asked for %d, got %d", least, len(b))
				}
			}
		}
	}
}

// A decoder that shares no code with the encoder must find the length, and a
// sound that is neither silence nor clipped.
func TestRecordingsSound(t *testing.T) {
	t.Parallel()
	lame := testenv.Need(t, "lame")
	dir, n := t.TempDir(), 0
	for _, c := range newSim(t, sim.Options{Seed: 33, Calls: 40}).Calls() {
		for _, rec := range c.Recordings {
			n++
			mp3, pcm := filepath.Join(dir, "r.mp3"), filepath.Join(dir, "r.pcm")
			if err := os.WriteFile(mp3, rec.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(lame, "--quiet", "--decode", "-t", mp3, pcm).CombinedOutput(); err != nil || len(out) > 0 {
				t.Fatalf("lame: %v: %s", err, out)
			}
			checkSound(t, pcm, rec.Duration())
		}
	}
	if n < 10 {
		t.Errorf("only %d recordings", n)
	}
}

// checkSound reads 16-bit samples, 8 of them a millisecond. A decoder leaves out
// its own delay, up to two frames.
func checkSound(t *testing.T, pcm string, want time.Duration) {
	t.Helper()
	b, err := os.ReadFile(pcm)
	if err != nil {
		t.Fatal(err)
	}
	got := time.Duration(len(b)/2) * time.Second / 8000
	if got > want || got < want-150*time.Millisecond {
		t.Errorf("decodes to %s, want %s", got, want)
	}
	sum, clipped := 0.0, 0
	for i := 0; i+1 < len(b); i += 2 {
		v := float64(int16(binary.LittleEndian.Uint16(b[i:])))
		sum += v * v
		if math.Abs(v) > 32000 {
			clipped++
		}
	}
	if rms := math.Sqrt(sum / float64(len(b)/2)); rms < 300 || rms > 8000 || clipped > 0 {
		t.Errorf("%s: volume %.0f of 32767, %d samples clipped", want, rms, clipped)
	}
}

func BenchmarkRecordingOf300KB(b *testing.B) {
	s, err := sim.New(sim.Options{Seed: 1, Calls: 30, Start: noon, RecordBytes: 300_000})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range s.Calls() {
		if len(c.Recordings) > 0 {
			b.SetBytes(int64(len(c.Recordings[0].Bytes())))
			for b.Loop() {
				c.Recordings[0].Bytes()
			}
			return
		}
	}
}
