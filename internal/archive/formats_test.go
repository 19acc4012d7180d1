package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/archive"
	"fonoteka/internal/blob"
	"fonoteka/internal/bucket"
	"fonoteka/internal/call"
	"fonoteka/internal/queue"
)

// tone is a file of internal/audio/testdata.
func tone(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../audio/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// storeWatch notes what the store is asked for.
type storeWatch struct {
	*blob.Bucket
	mu     sync.Mutex
	asked  []string
	types  map[string]string // of what was put, by key
	before func(key string)  // a put
}

func watchStore(w *storeWatch) change {
	return change{opts: func(o *archive.Options) {
		w.Bucket, w.types = o.Store.(*blob.Bucket), map[string]string{}
		o.Store = w
	}}
}

func (w *storeWatch) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, what)
}

func (w *storeWatch) Put(ctx context.Context, key string, body io.ReaderAt, p blob.Put) error {
	w.note("put " + path.Ext(key))
	if w.before != nil {
		w.before(key)
	}
	err := w.Bucket.Put(ctx, key, body, p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.types[key] = p.ContentType
	}
	return err
}

func (w *storeWatch) Stat(ctx context.Context, key string) (blob.Object, error) {
	w.note("stat")
	return w.Bucket.Stat(ctx, key)
}

func (w *storeWatch) Get(ctx context.Context, key string) (io.ReadCloser, blob.Object, error) {
	w.note("get")
	return w.Bucket.Get(ctx, key)
}

func (w *storeWatch) List(ctx context.Context, prefix string, each func(blob.Object) bool) error {
	w.note("list")
	return w.Bucket.List(ctx, prefix, each)
}

// sidecarAt reads a sidecar as it is stored.
func sidecarAt(t *testing.T, b *blob.Bucket, key string) (s bucket.Sidecar) {
	t.Helper()
	if err := json.Unmarshal(read(t, b, key), &s); err != nil {
		t.Errorf("%s: %v", key, err)
	}
	return s
}

func TestRecordingsOfEveryFormatAreArchived(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ format, mime string }{
		"pcm.wav": {"wav", "audio/wav"}, "alaw.wav": {"wav", "audio/wav"}, "ulaw.wav": {"wav", "audio/wav"}, "gsm.wav": {"wav", "audio/wav"},
		"pcm-ffmpeg-pipe.wav": {"wav", "audio/wav"}, "opusenc.ogg": {"ogg", "audio/ogg"}, "vorbis.ogg": {"ogg", "audio/ogg"},
		"aac.m4a": {"m4a", "audio/mp4"}, "aac-fragmented.m4a": {"m4a", "audio/mp4"}, "adts.aac": {"aac", "audio/aac"},
		"layer2.mp2": {"mp2", "audio/mpeg"}, "free.mp3": {"mp3", "audio/mpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := tone(t, name)
			w := &storeWatch{}
			r := newRig(t, serve(body), watchStore(w)) // which calls it audio/mpeg
			rec := r.recording("/2026/02/28/a.mp3")
			row := r.handle(t, rec, 0)
			stem := bucket.Stem(rec)
			key := stem + "." + want.format
			if row.State != call.Archived || row.Key != key || row.Format != want.format || row.SHA256 != digest(body) || row.Reason() != "" {
				t.Fatalf("row %+v", row)
			}
			if row.Duration == 0 && name != "aac-fragmented.m4a" {
				t.Error("no play time")
			}
			if !bytes.Equal(read(t, r.bucket, key), body) || w.types[key] != want.mime {
				t.Errorf("stored as %q", w.types)
			}
			if side := sidecarAt(t, r.bucket, stem+".json"); side.Key != key || side.Format != want.format || side.SHA256 != digest(body) {
				t.Errorf("sidecar %+v", side)
			}
			first := []string{"list", "put ." + want.format, "put .json"}
			if want.format == "mp3" {
				first = first[1:]
			}
			if diff := cmp.Diff(first, w.asked); diff != "" {
				t.Errorf("the store was asked (-want +got):\n%s", diff)
			}
			// The catalogue is lost: nothing is fetched again.
			asked := r.origin.Asked()
			delete(r.catalogue.rows, "main/"+rec.ID)
			if again := r.handle(t, rec, 1); r.origin.Asked() != asked || cmp.Diff(row, again) != "" {
				t.Errorf("again (-want +got):\n%s", cmp.Diff(row, again))
			}
		})
	}
}

func TestP4ACrashAtAnyWriteOfAWAVEndsArchivedOnce(t *testing.T) {
	t.Parallel()
	wav := tone(t, "alaw.wav")
	for n := 1; n <= 4; n++ {
		for _, after := range []bool{false, true} {
			f := &fault{n: n, after: after}
			r := newRig(t, serve(wav), change{opts: func(o *archive.Options) {
				o.Store = faultyStore{o.Store.(*blob.Bucket), f}
				o.Catalogue = faultyCatalogue{o.Catalogue.(*catalogue), f}
			}})
			rec := r.recording("/2026/02/28/a.mp3")
			err := r.Handle(t.Context(), queue.Job{Recording: rec})
			if f.hit != (err != nil) || f.hit == (n == 4) {
				t.Errorf("write %d: %v", n, err)
			}
			f.n, f.hit = 0, false
			row := r.handle(t, rec, 0)
			stem := bucket.Stem(rec)
			if row.State != call.Archived || row.Key != stem+".wav" || row.Format != "wav" || row.Reason() != "" {
				t.Errorf("write %d: row %+v", n, row)
			}
			if diff := cmp.Diff([]string{stem + ".json", stem + ".wav"}, keys(t, r.bucket)); diff != "" {
				t.Errorf("write %d: %s", n, diff)
			}
		}
	}
}

func TestMediaThatIsNotWholeIsKeptUnderItsFormat(t *testing.T) {
	t.Parallel()
	wav, ogg, m4a := tone(t, "pcm.wav"), tone(t, "opusenc.ogg"), tone(t, "aac.m4a")
	noise := bytes.Repeat([]byte("\x13\xe7\x00\x9a\xfc\x41"), 700)
	turned := bytes.Clone(ogg)
	turned[len(turned)/2] ^= 1
	unsized := func(w http.ResponseWriter, _ *http.Request) { // neither it nor the server says how long it is
		c, buf, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		buf.WriteString("HTTP/1.0 200 OK\r\n\r\n")
		buf.Write(tone(t, "pcm-ffmpeg-pipe.wav"))
		buf.Flush()
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		format  string
		code    call.Code
		atOnce  bool
	}{
		"RIFF and noise":       {serve(append([]byte("RIFF"), noise...)), "wav", call.CodeDamaged, true},
		"a cut WAV":            {serve(wav[:len(wav)/2]), "wav", call.CodeIncomplete, false},
		"a WAV's header alone": {serve(wav[:44]), "wav", call.CodeIncomplete, false},
		"a WAV without sizes":  {unsized, "wav", call.CodeUnverifiable, true},
		"a codec of its own":   {serve(tone(t, "wma.wav")), "wav", call.CodeUnverifiable, true},
		"a cut Ogg":            {serve(ogg[:len(ogg)-9]), "ogg", call.CodeIncomplete, false},
		"an Ogg, a bit turned": {serve(turned), "ogg", call.CodeDamaged, true},
		"a cut MP4":            {serve(m4a[:len(m4a)-300]), "m4a", call.CodeIncomplete, false},
		"FLAC":                 {serve(tone(t, "tone.flac")), "flac", call.CodeUnverifiable, true},
		"AMR":                  {serve(tone(t, "tone.amr")), "amr", call.CodeUnverifiable, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &storeWatch{}
			r := newRig(t, c.handler, watchStore(w))
			rec := r.recording("/2026/02/28/a.mp3")
			var row call.RecordingStatus
			for try := range 4 {
				row = r.handle(t, rec, try)
				if try == 0 && (row.State == call.Quarantined) != c.atOnce {
					t.Errorf("at the first try: %s", row.State)
				}
				r.setNow(row.NextAttemptAt)
			}
			place := bucket.Quarantine + "main/" + rec.ID + "/" + row.SHA256
			if row.State != call.Quarantined || row.Key != place+"."+c.format || row.Format != c.format || row.Code() != c.code || row.Failure.Format != c.format || row.NextAttemptAt.IsZero() {
				t.Errorf("row %+v", row)
			}
			if !strings.Contains(row.Reason(), "the "+c.format+" file from ") || !strings.Contains(row.Reason(), "quarantine") {
				t.Errorf("reason %q", row.Reason())
			}
			if digest(read(t, r.bucket, row.Key)) != row.SHA256 {
				t.Error("other bytes are kept")
			}
			if side := sidecarAt(t, r.bucket, place+".json"); side.Key != row.Key || side.Format != c.format || side.Failure.Format != c.format {
				t.Errorf("sidecar %+v", side)
			}
			if len(keys(t, r.bucket)) != 2 || w.types[row.Key] == "audio/mpeg" {
				t.Errorf("stored: %q", w.types)
			}
		})
	}
}

// What is kept keeps its format while later tries meet something else.
func TestWhatIsKeptKeepsItsFormat(t *testing.T) {
	t.Parallel()
	answer := serve(append([]byte("RIFF"), make([]byte, 100)...))
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { answer(w, req) })
	rec := r.recording("/a.mp3")
	first := r.handle(t, rec, 0)
	answer = status(503)
	row := r.handle(t, rec, 1)
	if row.State != call.Quarantined || row.Key != first.Key || row.Format != "wav" || row.Failure.Format != "" || row.Code() != call.CodeServerError {
		t.Errorf("row %+v", row)
	}
	answer = serve(tone(t, "pcm.wav"))
	if row = r.handle(t, rec, 2); row.State != call.Archived || row.Format != "wav" {
		t.Errorf("row %+v", row)
	}
}

// The mp3 scanner has always passed text before the audio; it is archived with it, and
// said.
func TestTextBeforeTheAudioIsSaid(t *testing.T) {
	t.Parallel()
	warning := "<br />\n<b>Warning</b>: readfile(): in <b>/var/www/get.php</b> on line <b>12</b><br />\n"
	for name, body := range map[string][]byte{"mp3": audio(t), "wav": tone(t, "pcm.wav"), "ogg": tone(t, "vorbis.ogg"), "m4a": tone(t, "aac.m4a")} {
		body = append([]byte(warning), body...)
		r := newRig(t, serve(body))
		row := r.handle(t, r.recording("/a.mp3"), 0)
		if row.State != call.Archived || row.Format != name || row.SHA256 != digest(body) || row.TextBefore != int64(len(warning)) || row.Code() != call.CodeTextBefore || !strings.Contains(row.Reason(), "text before the audio") {
			t.Errorf("%s: %s, %+v", name, row.Reason(), row)
		}
		if side := sidecarAt(t, r.bucket, bucket.SidecarKey(row.Key)); side.TextBefore != int64(len(warning)) {
			t.Errorf("%s: sidecar %+v", name, side)
		}
	}
}

// put stores an object as another worker would.
func put(t *testing.T, b *blob.Bucket, key string, body []byte) {
	if err := b.Put(context.Background(), key, bytes.NewReader(body), blob.Put{Size: int64(len(body)), SHA256: digest(body)}); err != nil {
		t.Error(err)
	}
}

// putSidecar stores the sidecar of another worker's file.
func putSidecar(t *testing.T, b *blob.Bucket, rec call.Recording, key string, body []byte) {
	s := bucket.Sidecar{Schema: 2, Recording: rec, Key: key, Format: path.Ext(key)[1:], SHA256: digest(body), Size: int64(len(body)), DurationMS: 4000, Attempt: 1} // longer than ours
	doc, _, err := s.Document()
	if err != nil {
		t.Error(err)
	}
	put(t, b, bucket.SidecarKey(key), doc)
}

// A file of another format that another worker stores while ours is on its way keeps its
// place, and ours goes beside: as far as the other has come, wherever ours is.
func TestAnotherFormatIsKeptBeside(t *testing.T) {
	t.Parallel()
	mp3, wav := audio(t), tone(t, "alaw.wav")
	for _, c := range []struct {
		name                string
		theirs, ours        []byte
		theirExt, ourExt    string
		theirSidecar, first bool   // first: theirs is named by the row
		ourKey, ourSidecar  string // behind the stem
	}{
		{"their mp3 is whole", mp3, wav, "mp3", "wav", true, true, ".DIGEST.wav", ".DIGEST.json"},
		{"their mp3 has no sidecar", mp3, wav, "mp3", "wav", false, true, ".DIGEST.wav", ".DIGEST.json"},
		{"their WAV is whole", wav, mp3, "wav", "mp3", true, true, ".mp3", ".DIGEST.json"},
		{"their WAV has no sidecar", wav, mp3, "wav", "mp3", false, false, ".mp3", ".json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var r *rig
			r = newRig(t, func(w http.ResponseWriter, req *http.Request) {
				rec := r.recording("/a.mp3")
				put(t, r.bucket, bucket.Stem(rec)+"."+c.theirExt, c.theirs)
				if c.theirSidecar {
					putSidecar(t, r.bucket, rec, bucket.Stem(rec)+"."+c.theirExt, c.theirs)
				}
				serve(c.ours)(w, req)
			})
			rec := r.recording("/a.mp3")
			row := r.handle(t, rec, 0)
			stem := bucket.Stem(rec)
			at := func(s string) string { return stem + strings.Replace(s, "DIGEST", digest(c.ours)[:16], 1) }
			named, body := at(c.ourKey), c.ours
			if c.first {
				named, body = stem+"."+c.theirExt, c.theirs
			}
			if row.State != call.Archived || row.Key != named || row.SHA256 != digest(body) || c.first != (row.Code() == call.CodeConflict) {
				t.Errorf("row %+v: %s", row, row.Reason())
			}
			if side := sidecarAt(t, r.bucket, at(c.ourSidecar)); side.Key != at(c.ourKey) || side.SHA256 != digest(c.ours) || side.Format != c.ourExt {
				t.Errorf("our sidecar %+v", side)
			}
			if !bytes.Equal(read(t, r.bucket, at(c.ourKey)), c.ours) || !bytes.Equal(read(t, r.bucket, stem+"."+c.theirExt), c.theirs) {
				t.Error("bytes are mixed up")
			}
			// A later run, as after a crash, gives each file its sidecar and changes nothing else.
			delete(r.catalogue.rows, "main/"+rec.ID)
			again := r.handle(t, rec, 1)
			if again.Key != row.Key || again.Conflicts != 1 || again.SHA256 != row.SHA256 {
				t.Errorf("again %+v", again)
			}
			sidecars := map[string]bool{}
			for _, key := range keys(t, r.bucket) {
				if path.Ext(key) == ".json" {
					sidecars[sidecarAt(t, r.bucket, key).Key] = true
				}
			}
			if len(sidecars) != 2 || !sidecars[at(c.ourKey)] || !sidecars[stem+"."+c.theirExt] {
				t.Errorf("there are sidecars of %v", sidecars)
			}
			if r.origin.Asked() != 1 {
				t.Errorf("fetched %d times", r.origin.Asked())
			}
		})
	}
}

// Two workers put their files into the first places of their formats at one moment: the
// sidecar tells who was first, each file has one, and the longest is the recording.
func TestTwoFormatsAtOneMoment(t *testing.T) {
	t.Parallel()
	mp3, wav := audio(t), tone(t, "alaw.wav")
	bodies := make(chan []byte, 2)
	bodies <- mp3
	bodies <- wav
	var both sync.WaitGroup
	both.Add(2)
	w := &storeWatch{before: func(key string) {
		if path.Ext(key) != ".json" {
			both.Done()
			both.Wait() // both have seen that nothing is stored yet
		}
	}}
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { serve(<-bodies)(w, req) }, watchStore(w))
	rec := r.recording("/2026/02/28/a.mp3")
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() {
			if err := r.Handle(t.Context(), queue.Job{Recording: rec}); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	stem := bucket.Stem(rec)
	first := sidecarAt(t, r.bucket, stem+".json")
	other := stem + ".wav"
	if first.Key == other {
		other = stem + ".mp3"
	}
	beside := bucket.BesideSidecarKey(other, digest(read(t, r.bucket, other)))
	if side := sidecarAt(t, r.bucket, beside); side.Key != other || side.SHA256 != digest(read(t, r.bucket, other)) {
		t.Errorf("the other's sidecar %+v", side)
	}
	want := []string{stem + ".json", stem + ".mp3", stem + ".wav", beside}
	slices.Sort(want)
	if diff := cmp.Diff(want, keys(t, r.bucket)); diff != "" {
		t.Error(diff)
	}
	row, _, _ := r.catalogue.Recording(t.Context(), "main", rec.ID)
	if row.Key != stem+".mp3" || row.SHA256 != digest(mp3) || row.Conflicts != 1 { // the longest
		t.Errorf("row %+v", row)
	}
}

// The first file is gone from the store while its sidecar is there, and the server has
// another format by now: what came is the recording.
func TestAnotherFormatInPlaceOfAFileThatIsGone(t *testing.T) {
	t.Parallel()
	mp3, wav := audio(t), tone(t, "alaw.wav")
	r := newRig(t, serve(wav))
	rec := r.recording("/a.mp3")
	putSidecar(t, r.bucket, rec, bucket.Key(rec, "mp3"), mp3)
	row := r.handle(t, rec, 1)
	if row.State != call.Archived || row.Key != bucket.Stem(rec)+".wav" || row.SHA256 != digest(wav) || row.Format != "wav" {
		t.Errorf("row %+v", row)
	}
}

// A version that knew less formats kept the same bytes under another extension: they are
// not kept twice.
func TestWhatWasKeptBeforeIsNotKeptTwice(t *testing.T) {
	t.Parallel()
	cut := tone(t, "ff-mp3.wav")
	cut = cut[:len(cut)-50]
	r := newRig(t, serve(cut))
	rec := r.recording("/a.mp3")
	key := bucket.Quarantine + "main/" + rec.ID + "/" + digest(cut) + ".mp3"
	put(t, r.bucket, key, cut)
	putSidecar(t, r.bucket, rec, key, cut)
	row := r.handle(t, rec, 5)
	if row.State != call.Quarantined || row.Key != key || row.Format != "mp3" || row.Failure.Format != "wav" || len(keys(t, r.bucket)) != 2 {
		t.Errorf("row %+v, stored %q", row, keys(t, r.bucket))
	}
}
