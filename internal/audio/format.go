package audio

import "path"

// Format is what a file of audio is, by its container: which codec lies in it, its own
// header says. It is stored, so that a format keeps its spelling for ever.
type Format string

// The formats that Verify reads to their end.
const (
	MP3 Format = "mp3" // MPEG Layer III, free format too
	MP2 Format = "mp2" // MPEG Layer II
	MP1 Format = "mp1" // MPEG Layer I
	WAV Format = "wav" // RIFF and RF64: PCM, A-law, µ-law, ADPCM, GSM 06.10, MPEG
	Ogg Format = "ogg" // Opus, Vorbis, Speex, FLAC
	M4A Format = "m4a" // ISO base media (MP4): AAC and others
	AAC Format = "aac" // AAC in ADTS frames
)

// The formats that are known by their first bytes alone.
const (
	FLAC     Format = "flac"
	AMR      Format = "amr"
	AIFF     Format = "aiff"
	AU       Format = "au"
	CAF      Format = "caf"
	Matroska Format = "mka" // WebM too
	ASF      Format = "wma"
)

// formats have a name for sentences, and the type that HTTP knows them by. The
// extension of a file's name is the format itself.
var formats = map[Format]struct{ name, mime string }{
	MP3:      {"mp3", "audio/mpeg"},
	MP2:      {"MPEG Layer II", "audio/mpeg"},
	MP1:      {"MPEG Layer I", "audio/mpeg"},
	WAV:      {"WAV", "audio/wav"},
	Ogg:      {"Ogg", "audio/ogg"},
	M4A:      {"MP4", "audio/mp4"},
	AAC:      {"AAC", "audio/aac"},
	FLAC:     {"FLAC", "audio/flac"},
	AMR:      {"AMR", "audio/AMR"},
	AIFF:     {"AIFF", "audio/aiff"},
	AU:       {"AU", "audio/basic"},
	CAF:      {"CAF", "audio/x-caf"},
	Matroska: {"Matroska", "audio/x-matroska"},
	ASF:      {"ASF", "audio/x-ms-asf"},
}

// Verified are the formats that a file may be of which Verify passes.
func Verified() []Format { return []Format{MP3, MP2, MP1, WAV, Ogg, M4A, AAC} }

// Or is f, or mp3 where f says nothing: what was stored before formats were told apart
// is mp3.
func (f Format) Or() Format {
	if f == "" {
		return MP3
	}
	return f
}

// Ext is the extension of a file's name, with the dot.
func (f Format) Ext() string { return "." + string(f.Or()) }

// ContentType is the format's media type; application/octet-stream of a format of a
// later version.
func (f Format) ContentType() string {
	if k, ok := formats[f.Or()]; ok {
		return k.mime
	}
	return "application/octet-stream"
}

// Name is the format's name in a sentence.
func (f Format) Name() string {
	if k, ok := formats[f.Or()]; ok {
		return k.name
	}
	return string(f)
}

// OfKey is the format that the extension of a name says; false where it is none of
// audio.
func OfKey(name string) (Format, bool) {
	ext := path.Ext(name)
	if ext == "" {
		return "", false
	}
	f := Format(ext[1:])
	_, ok := formats[f]
	return f, ok
}
