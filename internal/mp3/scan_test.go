package mp3_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"fonoteka/internal/mp3"
	"fonoteka/internal/testenv"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	telephony = "mpeg25-8khz.mp3"         // CBR 16 kbit/s mono, no tags, 16 frames of 144 bytes
	wideband  = "mpeg2-16khz-noxing.mp3"  // CBR 24 kbit/s mono
	stereo    = "mpeg1-32khz-vbr-id3.mp3" // VBR, ID3v2, ID3v1 and a Xing header
)

func TestScanReadsWhatLameMakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		rate, channels int
		xing           bool
	}{
		{telephony, 8000, 1, false},
		{wideband, 16000, 1, false},
		{stereo, 32000, 2, true},
	} {
		got, err := mp3.Scan(bytes.NewReader(sample(t, c.name)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got.SampleRate != c.rate || got.Channels != c.channels || (got.XingFrames > 0) != c.xing || got.Garbage != 0 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.xing && got.XingFrames != got.Frames {
			t.Errorf("%s: %d frames, its header counts %d", c.name, got.Frames, got.XingFrames)
		}
		if d := got.Duration; d < time.Second || d > 1250*time.Millisecond { // one second and the encoder's padding
			t.Errorf("%s: plays %v", c.name, d)
		}
	}
}

func TestScanSeesEveryCutThatBytesCanShow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{telephony, wideband, stereo} {
		b := sample(t, name)
		whole, _ := mp3.Scan(bytes.NewReader(b))
		boundaries := 0
		for n := range len(b) {
			res, err := mp3.Scan(bytes.NewReader(b[:n]))
			if err == nil {
				boundaries++
				if whole.XingFrames > 0 && res.Frames != whole.Frames {
					t.Errorf("%s cut to %d bytes passes with %d of %d frames", name, n, res.Frames, whole.Frames)
				}
				continue
			}
			if errors.Is(err, mp3.ErrTruncated) != res.Truncated {
				t.Errorf("%s cut to %d bytes: %v, but Truncated is %v", name, n, err, res.Truncated)
			}
			if n > 2000 && !res.Truncated {
				t.Errorf("%s cut to %d bytes: %v, want a truncation", name, n, err)
			}
		}
		if int64(boundaries) > whole.Frames {
			t.Errorf("%s: %d cuts pass, but it has %d frames", name, boundaries, whole.Frames)
		}
	}
}

func TestScanRefusesWhatIsNoAudio(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":          "",
		"html":           "<!doctype html><html><body>502 Bad Gateway</body></html>",
		"long html":      strings.Repeat("<p>not here, yet</p>\n", 50_000),
		"json":           `{"error":"not found"}`,
		"zeros":          strings.Repeat("\x00", 1<<20),
		"ones":           strings.Repeat("\xff", 1<<20),
		"lone sync":      "\xff\xe3\x28\xc4",
		"jpeg":           "\xff\xd8\xff\xe0\x00\x10JFIF" + strings.Repeat("\xff\xdbq", 1000),
		"aac in adts":    strings.Repeat("\xff\xf1\x6c\x40\x0b\x7f\xfc"+strings.Repeat("a", 85), 20),
		"only an id3v2":  "ID3\x03\x00\x00\x00\x00\x00\x05hello",
		"riff":           "RIFF\x24\x00\x00\x00WAVEfmt " + strings.Repeat("\x12\x34", 9000),
		"late beginning": strings.Repeat("x", 5000) + string(sample(t, telephony)),
	} {
		if res, err := mp3.Scan(strings.NewReader(body)); !errors.Is(err, mp3.ErrNotMP3) {
			t.Errorf("%s: %v, %+v; want ErrNotMP3", name, err, res)
		}
	}
}

func TestScanToleratesTagsAndPaddingAroundTheFrames(t *testing.T) {
	t.Parallel()
	audio := sample(t, telephony)
	want, _ := mp3.Scan(bytes.NewReader(audio))
	ape := make([]byte, 32)
	copy(ape, "APETAGEX")
	binary.LittleEndian.PutUint32(ape[12:], 32+10)
	header := bytes.Clone(ape)
	binary.LittleEndian.PutUint32(header[20:], 1<<31|1<<29)
	id3 := append([]byte("ID3\x04\x00\x10\x00\x00\x01\x00"), make([]byte, 128+10)...) // with a footer
	for name, body := range map[string][]byte{
		"id3v2":                 join(id3, audio),
		"id3v2 twice":           join(id3, id3, audio),
		"zeros before":          join(make([]byte, 3000), audio),
		"id3v1":                 join(audio, []byte("TAG"), make([]byte, 125)),
		"ape footer":            join(audio, ape),
		"ape with header":       join(audio, header, make([]byte, 10), ape),
		"ape, then id3v1":       join(audio, ape, []byte("TAG"), make([]byte, 125)),
		"zeros after":           join(audio, make([]byte, 4096)),
		"a little garbage":      join(audio, []byte("appended by something")),
		"a bad byte amid":       join(audio[:144*5], []byte{'?'}, audio[144*5:]),
		"two recordings in one": join(audio, id3, audio),
	} {
		got, err := mp3.Scan(bytes.NewReader(body))
		frames := want.Frames
		if strings.HasPrefix(name, "two") {
			frames *= 2
		}
		if err != nil || got.Frames != frames {
			t.Errorf("%s: %d frames, %v; want %d", name, got.Frames, err, frames)
		}
	}
}

func TestScanRefusesDamage(t *testing.T) {
	t.Parallel()
	audio := sample(t, telephony)
	half, rest := audio[:144*8], audio[144*8:]
	text := bytes.Repeat([]byte("gateway timeout "), 200)
	for name, body := range map[string][]byte{
		"text amid":     join(half, text, rest),
		"text after":    join(audio, text[:300]),
		"zeros amid":    join(half, make([]byte, 2000), rest),
		"holes":         join(half, text[:900], rest, half, text[:900], rest),
		"endless zeros": join(audio, make([]byte, 1<<20)),
	} {
		if res, err := mp3.Scan(bytes.NewReader(body)); !errors.Is(err, mp3.ErrDamaged) {
			t.Errorf("%s: %v, %+v; want ErrDamaged", name, err, res)
		}
	}
}

func TestScanReadsFrameCountsOfVBRI(t *testing.T) {
	t.Parallel()
	audio := sample(t, telephony)
	first := bytes.Clone(audio[:144])
	copy(first[36:], "VBRI")
	for _, c := range []struct {
		count uint32
		want  error
	}{{16, nil}, {10, nil}, {17, mp3.ErrTruncated}} {
		binary.BigEndian.PutUint32(first[36+14:], c.count)
		res, err := mp3.Scan(bytes.NewReader(join(first, audio)))
		if !errors.Is(err, c.want) || res.Frames != 16 || res.XingFrames != int64(c.count) {
			t.Errorf("count %d: %v, %+v; want %v", c.count, err, res, c.want)
		}
	}
}

func TestScanGivesTheReadersOwnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	r := io.MultiReader(bytes.NewReader(sample(t, telephony)), iotest.ErrReader(broken))
	if _, err := mp3.Scan(r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := mp3.Scan(iotest.OneByteReader(bytes.NewReader(sample(t, stereo)))); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

// TestScanAgreesWithLame makes files in every rate that telephony uses.
func TestScanAgreesWithLame(t *testing.T) {
	t.Parallel()
	lame := testenv.Need(t, "lame")
	for _, rate := range []int{8, 11, 12, 16, 22, 24, 32, 44, 48} {
		for _, mode := range [][]string{{"-b", "32"}, {"-V", "5"}, {"-b", "32", "-t", "-p"}} {
			pcm := make([]byte, 8000*2*3) // three seconds
			for i := range pcm {
				pcm[i] = byte(i * i >> 3)
			}
			args := append([]string{"--quiet", "-r", "-s", "8", "-m", "m", "--resample", strconv.Itoa(rate)}, mode...)
			cmd := exec.Command(lame, append(args, "-", "-")...)
			cmd.Stdin = bytes.NewReader(pcm)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("lame %v: %v", args, err)
			}
			res, err := mp3.Scan(bytes.NewReader(out))
			if err != nil || res.Duration < 3*time.Second || res.Duration > 3400*time.Millisecond {
				t.Errorf("lame %v: %v, %+v", args, err, res)
			}
		}
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func FuzzScan(f *testing.F) {
	f.Add(layerOne(8))
	for _, name := range []string{telephony, wideband, stereo, "mpeg2-16khz-free.mp3", "mpeg1-32khz-layer2.mp2"} {
		b := sample(f, name)
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(join([]byte("ID3\x03\x00\x00\x7f\x7f\x7f\x7f"), b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		res, err := mp3.Scan(bytes.NewReader(b))
		if err == nil && (res.Frames+1 < res.XingFrames || res.Truncated) { // some encoders count the frame that holds the count
			t.Errorf("passes with %+v", res)
		}
		again, err2 := mp3.Scan(iotest.HalfReader(bytes.NewReader(b)))
		if again != res || (err == nil) != (err2 == nil) {
			t.Errorf("read in halves: %+v, %v; at once: %+v, %v", again, err2, res, err)
		}
		if res.Frames*24 > int64(len(b)) { // the shortest frame: 8 kbit/s at 24 kHz
			t.Errorf("%d frames in %d bytes", res.Frames, len(b))
		}
	})
}

func BenchmarkScan(b *testing.B) {
	body := bytes.Repeat(sample(b, telephony), 130) // 300 KB, an ordinary call
	r := bytes.NewReader(body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(body)
		if _, err := mp3.Scan(r); err != nil {
			b.Fatal(err)
		}
	}
}
