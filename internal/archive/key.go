package archive

import (
	"strings"

	"fonoteka/internal/call"
)

// Key is a recording's place in the bucket: a function of its notification
// alone, so that every try of every process finds the same, and without
// personal data. Everyone else reads it from the row.
func Key(r call.Recording) string {
	folder := "undated"
	if day, ok := call.LinkDate(r.URL); ok {
		folder = day.Format("2006/01/02")
	}
	return Folder(r.Integration) + folder + "/" + r.ID + ".mp3"
}

// Folder is what the keys of an integration's recordings begin with.
func Folder(integration string) string { return "recordings/" + segment(integration) + "/" }

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

// quarantineKey is the place of a damaged file: one for each digest, so that a
// server that sends the same thing every hour fills nothing.
func quarantineKey(r call.Recording, sha256 string) string {
	return call.QuarantinePrefix + segment(r.Integration) + "/" + r.ID + "/" + sha256 + ".mp3"
}

// sidecarKey is the place of an object's sidecar.
func sidecarKey(key string) string { return call.SidecarKey(key) }

// besideKey is the place of another file under the same key.
func besideKey(key, sha256 string) string { return call.BesideKey(key, sha256) }
