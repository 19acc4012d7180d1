package audio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"fonoteka/internal/audio"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// samples are whole files of all formats; testdata/README.md says who made them.
var samples = []struct {
	name     string
	format   audio.Format
	codec    string
	duration time.Duration // 0: the format does not say it
	within   time.Duration // what an encoder may have added
	unsized  bool
}{
	{"pcm.wav", audio.WAV, "pcm", 200 * time.Millisecond, 0, false},
	{"pcm24-extensible.wav", audio.WAV, "pcm", 200 * time.Millisecond, 0, false},
	{"pcm-rf64.wav", audio.WAV, "pcm", 200 * time.Millisecond, 0, false},
	{"pcm-ffmpeg-pipe.wav", audio.WAV, "pcm", 200 * time.Millisecond, 0, true},
	{"pcm-sox-pipe.wav", audio.WAV, "pcm", 200 * time.Millisecond, 0, true},
	{"float.wav", audio.WAV, "float", 200 * time.Millisecond, 0, false},
	{"alaw.wav", audio.WAV, "alaw", 400 * time.Millisecond, 0, false},
	{"ff-alaw.wav", audio.WAV, "alaw", 400 * time.Millisecond, 0, false},
	{"ulaw.wav", audio.WAV, "mulaw", 400 * time.Millisecond, 0, false},
	{"gsm.wav", audio.WAV, "gsm", 400 * time.Millisecond, 0, false},
	{"msadpcm.wav", audio.WAV, "adpcm", 400 * time.Millisecond, 0, false},
	{"imaadpcm.wav", audio.WAV, "adpcm", 400 * time.Millisecond, 0, false},
	{"ff-mp3.wav", audio.WAV, "mpeg", 400 * time.Millisecond, 250 * time.Millisecond, false},
	{"opusenc.ogg", audio.Ogg, "opus", 400 * time.Millisecond, 20 * time.Millisecond, false},
	{"opus-ffmpeg.ogg", audio.Ogg, "opus", 400 * time.Millisecond, 20 * time.Millisecond, false},
	{"vorbis.ogg", audio.Ogg, "vorbis", 400 * time.Millisecond, 0, false},
	{"speex.ogg", audio.Ogg, "speex", 395 * time.Millisecond, 20 * time.Millisecond, false},
	{"flac.ogg", audio.Ogg, "flac", 400 * time.Millisecond, 0, false},
	{"aac.m4a", audio.M4A, "aac", 400 * time.Millisecond, 150 * time.Millisecond, false},
	{"aac-faststart.m4a", audio.M4A, "aac", 400 * time.Millisecond, 150 * time.Millisecond, false},
	{"aac-fragmented.m4a", audio.M4A, "aac", 0, 0, false},
	{"alac.m4a", audio.M4A, "alac", 400 * time.Millisecond, 0, false},
	{"video.mp4", audio.M4A, "aac", 200 * time.Millisecond, 250 * time.Millisecond, false},
	{"adts.aac", audio.AAC, "aac", 400 * time.Millisecond, 250 * time.Millisecond, false},
	{"layer2.mp2", audio.MP2, "", 400 * time.Millisecond, 150 * time.Millisecond, false},
	{"free.mp3", audio.MP3, "", 400 * time.Millisecond, 150 * time.Millisecond, false},
}

func verify(b []byte) (audio.Result, error) { return audio.Verify(bytes.NewReader(b)) }

func TestWholeFilesOfEveryFormatPass(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		got, err := verify(sample(t, s.name))
		if err != nil || got.Format != s.format || got.Codec != s.codec || got.Unsized != s.unsized || got.TextBefore != 0 {
			t.Errorf("%s: %+v, %v", s.name, got, err)
		}
		if got.Duration < s.duration || got.Duration > s.duration+s.within {
			t.Errorf("%s: plays %v, want %v", s.name, got.Duration, s.duration)
		}
		again, err := audio.Verify(iotest.OneByteReader(bytes.NewReader(sample(t, s.name))))
		if err != nil || again != got {
			t.Errorf("%s, byte by byte: %+v, %v", s.name, again, err)
		}
	}
}

// A file of frames that are not counted may be cut between two of them; a WAV whose
// header does not say its length, between two blocks. Any other cut is found, and the
// format is still known from 100 bytes on.
func TestCutFilesAreFound(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		b := sample(t, s.name)
		passed := 0
		for n := range b {
			got, err := verify(b[:n])
			if err == nil {
				passed++
				continue
			}
			if n > 1000 && (got.Format != s.format || errors.Is(err, audio.ErrNotAudio) || errors.Is(err, audio.ErrUnverifiable)) {
				t.Errorf("%s, %d of %d bytes: %s, %v", s.name, n, len(b), got.Format, err)
			}
		}
		allowed := 0
		switch {
		case s.unsized:
			allowed = len(b) / 2
		case s.name == "aac-fragmented.m4a":
			allowed = 1 // between a fragment and the index behind it
		case s.format == audio.AAC || s.format == audio.MP2 || s.format == audio.MP3:
			allowed = 20 // frames
		}
		if passed > allowed {
			t.Errorf("%s: %d of %d cuts pass", s.name, passed, len(b))
		}
	}
}

// A byte that is turned over in what a format checks is found. Amid samples nobody
// can see it, but in Ogg.
func TestTurnedBytesAreFound(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		b := sample(t, s.name)
		end := 20 // the sizes and names of the first boxes or chunks
		if s.format == audio.Ogg {
			end = len(b)
		}
		if s.unsized || s.format == audio.MP2 || s.format == audio.MP3 || s.format == audio.AAC || s.name == "pcm-rf64.wav" || s.name == "ff-mp3.wav" { // the last is an mp3 then, with something before it
			continue
		}
		for i := range end {
			if s.format == audio.M4A && i >= 8 { // brands, which nothing is read from
				break
			}
			turned := bytes.Clone(b)
			turned[i] ^= 0x41
			if got, err := verify(turned); err == nil {
				t.Errorf("%s, byte %d: %+v", s.name, i, got)
			}
		}
	}
}

func TestWhatIsBehindTheEndIsFound(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		b := sample(t, s.name)
		if got, err := verify(append(bytes.Clone(b), bytes.Repeat([]byte("something else "), 100)...)); err == nil && !s.unsized {
			t.Errorf("%s: %+v", s.name, got)
		}
		if got, err := verify(append(bytes.Clone(b), b...)); err == nil && s.format != audio.Ogg && s.format != audio.AAC && s.format != audio.MP2 && s.format != audio.MP3 && !s.unsized {
			t.Errorf("%s twice: %+v", s.name, got) // of these one is joined to the other as they are
		}
	}
	tag := append([]byte("TAG"), make([]byte, 125)...)
	for _, name := range []string{"adts.aac", "pcm.wav", "layer2.mp2", "opusenc.ogg"} {
		if _, err := verify(append(sample(t, name), tag...)); err != nil {
			t.Errorf("%s with a tag: %v", name, err)
		}
	}
}

// Streams of Ogg that follow each other are a chain: one file.
func TestAChainPlaysForAllItsLinks(t *testing.T) {
	t.Parallel()
	one, two := sample(t, "opusenc.ogg"), sample(t, "vorbis.ogg")
	got, err := verify(append(bytes.Clone(one), two...))
	if err != nil || got.Duration != 800*time.Millisecond {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := verify(append(bytes.Clone(one), two[:len(two)-10]...)); !errors.Is(err, audio.ErrTruncated) {
		t.Errorf("cut: %v", err)
	}
}

func TestTextBeforeTheAudioIsSaid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"\n", "\xef\xbb\xbf", "<br />\n<b>Warning</b>: readfile(): in <b>/var/www/get.php</b> on line <b>12</b><br />\n",
		"\xcf\xf0\xe5\xe4\xf3\xef\xf0\xe5\xe6\xe4\xe5\xed\xe8\xe5\r\n", // windows-1251
	} {
		for _, s := range samples {
			want, _ := verify(sample(t, s.name))
			want.TextBefore = int64(len(text))
			got, err := verify(append([]byte(text), sample(t, s.name)...))
			if err != nil || got != want {
				t.Errorf("%q before %s: %+v, %v", text, s.name, got, err)
			}
		}
	}
	long := bytes.Repeat([]byte("x"), 5000)
	for _, s := range samples {
		if got, err := verify(append(bytes.Clone(long), sample(t, s.name)...)); !errors.Is(err, audio.ErrNotAudio) {
			t.Errorf("%d bytes before %s: %+v, %v", len(long), s.name, got, err)
		}
	}
}

func TestWhatIsNotAudioIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "R", "<html><body>RIFF and OggS and ftyp</body></html>", `{"error":"ID3"}`, "not yet", "\x1f\x8b\x08\x00", "%PDF-1.4",
		string(make([]byte, 5000)), "\xff", "\xff\xf1", "\xff\xfb\x90",
	} {
		if got, err := verify([]byte(body)); !errors.Is(err, audio.ErrNotAudio) || got.Format != "" {
			t.Errorf("%.20q: %+v, %v", body, got, err)
		}
	}
}

func TestMediaThatIsNotReadIsNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]audio.Format{
		"tone.flac": audio.FLAC, "tone.aiff": audio.AIFF, "tone.au": audio.AU, "tone.caf": audio.CAF, "tone.wma": audio.ASF,
		"tone.amr": audio.AMR, "opus.webm": audio.Matroska, "wma.wav": audio.WAV,
	} {
		if got, err := verify(sample(t, name)); !errors.Is(err, audio.ErrUnverifiable) || got.Format != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAHeadAloneIsDamaged(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 4000)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	for head, format := range map[string]audio.Format{
		"RIFF": audio.WAV, "RIFF\xa0\x0f\x00\x00WAVE": audio.WAV, "OggS": audio.Ogg, "OggS\x00\x02": audio.Ogg,
		"\x00\x00\x00\x18ftypM4A ": audio.M4A, "ID3\x04\x00\x00\x00\x00\x00\x0a": audio.MP3,
	} {
		got, err := verify(append([]byte(head), noise...))
		if !errors.Is(err, audio.ErrDamaged) && !errors.Is(err, audio.ErrTruncated) || got.Format != format {
			t.Errorf("%q and noise: %+v, %v", head, got, err)
		}
	}
}

func TestTheReadersOwnErrorIsGiven(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, s := range samples {
		b := sample(t, s.name)
		for _, n := range []int{0, 3, 100, len(b) - 1} {
			r := io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(broken))
			if _, err := audio.Verify(r); !errors.Is(err, broken) {
				t.Errorf("%s after %d bytes: %v", s.name, n, err)
			}
		}
	}
}

// le and be change a number in a file.
func le(b []byte, at int, n uint32) []byte {
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[at:], n)
	return b
}

func be(b []byte, at int, n uint32) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[at:], n)
	return b
}

func TestWrongSizesAreFound(t *testing.T) {
	t.Parallel()
	wav, m4a := sample(t, "pcm.wav"), sample(t, "aac-faststart.m4a")
	moov := bytes.Index(m4a, []byte("moov")) - 4
	mdat := bytes.Index(m4a, []byte("mdat")) - 4
	stsz := bytes.Index(m4a, []byte("stsz")) - 4
	for name, c := range map[string]struct {
		body []byte
		want error
	}{
		"RIFF 0":             {le(wav, 4, 0), audio.ErrTruncated},
		"RIFF 1":             {le(wav, 4, 1), audio.ErrDamaged},
		"RIFF too small":     {le(wav, 4, uint32(len(wav))-108), audio.ErrDamaged},
		"RIFF too large":     {le(wav, 4, uint32(len(wav))+92), audio.ErrTruncated},
		"format 0":           {le(wav, 16, 0), audio.ErrDamaged},
		"format 2^32-1":      {le(wav, 16, 1<<32-1), audio.ErrTruncated},
		"other rate":         {le(wav, 24, 8001), audio.ErrDamaged},
		"data 0":             {le(wav, 40, 0), audio.ErrDamaged},
		"data odd":           {le(wav, 40, uint32(len(wav))-45), audio.ErrDamaged},
		"data too large":     {le(wav, 40, uint32(len(wav))), audio.ErrTruncated},
		"data 2^32-1":        {le(wav, 40, 1<<32-1), audio.ErrTruncated},
		"a header alone":     {le(le(wav, 4, 36), 40, 0)[:44], audio.ErrTruncated},
		"blocks of 0":        {le(sample(t, "pcm.wav"), 32, 16<<16), audio.ErrDamaged},
		"moov 0":             {be(m4a, moov, 0), audio.ErrDamaged},
		"moov 2^32-1":        {be(m4a, moov, 1<<32-1), audio.ErrTruncated},
		"moov one less":      {be(m4a, moov, uint32(mdat-moov)-1), audio.ErrDamaged},
		"mdat 0, cut":        {be(m4a, mdat, 0)[:len(m4a)-100], audio.ErrTruncated},
		"mdat 2^32-1":        {be(m4a, mdat, 1<<32-1), audio.ErrTruncated},
		"mdat one less":      {be(m4a, mdat, uint32(len(m4a)-mdat)-1), audio.ErrTruncated},
		"one huge sample":    {be(m4a, stsz+12, 1<<32-1), audio.ErrTruncated},
		"2^32 sizes":         {be(m4a, stsz+16, 1<<32-1), audio.ErrDamaged},
		"2^32 equal samples": {be(be(m4a, stsz+12, 1<<32-1), stsz+16, 1<<32-1), audio.ErrDamaged},
	} {
		if got, err := verify(c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	mpeg := sample(t, "ff-mp3.wav") // whose blocks nobody needs
	binary.LittleEndian.PutUint16(mpeg[32:], 0)
	if got, err := verify(mpeg); err != nil || got.Codec != "mpeg" {
		t.Errorf("blocks of 0 of frames: %+v, %v", got, err)
	}
	if _, err := verify(be(m4a, mdat, 0)); err != nil {
		t.Errorf("mdat to the end of the file: %v", err)
	}
}

// A file of hostile sizes takes no more memory than any other.
func TestMemoryIsBounded(t *testing.T) {
	for _, s := range samples {
		b := sample(t, s.name)
		one := testing.AllocsPerRun(3, func() { _, _ = verify(b) })
		if one > 200 {
			t.Errorf("%s: %v allocations", s.name, one)
		}
	}
	pages := make([]byte, 0, 1<<20) // streams that begin and never end
	page := sample(t, "opusenc.ogg")[:47]
	for len(pages) < 1<<20-47 {
		pages = append(pages, page...)
	}
	if _, err := verify(pages); !errors.Is(err, audio.ErrDamaged) {
		t.Errorf("%v", err)
	}
}
