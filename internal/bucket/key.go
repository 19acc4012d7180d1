package bucket

import (
	"fmt"
	"path"
	"strings"

	"fonoteka/internal/audio"
	"fonoteka/internal/call"
)

// The folders.
const (
	// Recordings has a folder for each integration, and in it one for each day.
	Recordings = "recordings/"
	// Quarantine has a folder for each integration, and in it one for each recording of
	// which damaged audio came.
	Quarantine = "quarantine/"
)

// Stem is what the keys of all files and sidecars of a recording begin with, before a
// dot: a function of its notification alone, so that every try of every process finds
// the same, and without personal data.
func Stem(r call.Recording) string {
	folder := "undated"
	if day, ok := call.LinkDate(r.URL); ok {
		folder = day.Format("2006/01/02")
	}
	return Folder(r.Integration) + folder + "/" + r.ID
}

// Key is the place of the first file of a recording, if it is of that format.
func Key(r call.Recording, f audio.Format) string { return Stem(r) + f.Ext() }

// Folder is what the keys of an integration's recordings begin with.
func Folder(integration string) string { return Recordings + segment(integration) + "/" }

// segment keeps a name from a configuration within one path component.
func segment(name string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return '_'
	}, name)
	if s = s[:min(len(s), 100)]; strings.Trim(s, ".") == "" {
		return "_" + s
	}
	return s
}

// QuarantineKey is the place of a damaged file: one for each digest, so that a
// server that sends the same thing every hour fills nothing.
func QuarantineKey(r call.Recording, sha256 string, f audio.Format) string {
	return Quarantine + segment(r.Integration) + "/" + r.ID + "/" + sha256 + f.Ext()
}

// isQuarantined reports whether a key is of damaged audio.
func isQuarantined(key string) bool { return strings.HasPrefix(key, Quarantine) }

// SidecarKey is the place of an object's sidecar, unless a first file of another format
// has its own there: then it is BesideSidecarKey.
func SidecarKey(key string) string { return withoutExt(key) + sidecarExt }

// IsSidecar reports whether a key has the form of a sidecar's.
func IsSidecar(key string) bool { return path.Ext(key) == sidecarExt }

const sidecarExt = ".json"

// BesideKey is the place of another file than the one under key, in key's format.
func BesideKey(key, sha256 string) string {
	return withoutExt(key) + "." + inName(sha256) + path.Ext(key)
}

// BesideSidecarKey is the place of the sidecar of a file that is not the first, of
// whatever key.
func BesideSidecarKey(key, sha256 string) string { return SidecarKey(BesideKey(key, sha256)) }

// inName is what the name of a file beside bears of its digest.
func inName(sha256 string) string { return sha256[:min(16, len(sha256))] }

// maxCopies bounds the places of one file beside the first: as often as a copy is
// damaged in its turn, the next one takes another.
const maxCopies = 9

// AlternateKeys are the places beside a first file's key for copies of a file.
func AlternateKeys(first, sha256 string) []string {
	beside, ext := BesideKey(first, sha256), path.Ext(first)
	keys := []string{beside}
	for n := 2; n <= maxCopies; n++ {
		keys = append(keys, fmt.Sprintf("%s.%d%s", strings.TrimSuffix(beside, ext), n, ext))
	}
	return keys
}

// FirstKey is the key of the first file of the recording that a key is of, if that was
// of the key's own format: a row may name a copy beside it.
func FirstKey(key string) string {
	stem, _, ok := Split(key)
	if !ok {
		return key
	}
	return stem + path.Ext(key)
}

// InFormat is a first file's key, if it were of another format.
func InFormat(first string, f audio.Format) string { return withoutExt(first) + f.Ext() }

// isFirst reports whether a key is a place of the first file under a stem.
func isFirst(key, stem string) bool { return withoutExt(key) == stem }

// Split splits a key into the stem of its recording – of damaged audio, the folder – and
// the recording's id; false for a key that no recording has.
func Split(key string) (stem, id string, ok bool) {
	dir, base := path.Split(key)
	id, _, ok = strings.Cut(base, ".")
	stem = dir + id
	if isQuarantined(key) {
		ok = ok && isHex(id, 64)
		stem = strings.TrimSuffix(dir, "/")
		id = path.Base(stem)
	}
	return stem, id, ok && isHex(id, 32)
}

func isHex(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }

func withoutExt(key string) string { return strings.TrimSuffix(key, path.Ext(key)) }
