package archive

import (
	"strings"

	"fonoteka/internal/audio"
	"fonoteka/internal/call"
)

// Stem is what the keys of all files and sidecars of a recording begin with, before a
// dot: a function of its notification alone, so that every try of every process finds
// the same, and without personal data. Everyone else reads a key from the row.
func Stem(r call.Recording) string {
	folder := "undated"
	if day, ok := call.LinkDate(r.URL); ok {
		folder = day.Format("2006/01/02")
	}
	return Folder(r.Integration) + folder + "/" + r.ID
}

// Key is the place of the first file of a recording, if it is an mp3.
func Key(r call.Recording) string { return keyOf(r, audio.MP3) }

// keyOf is the place of the first file of a recording, if it is of that format.
func keyOf(r call.Recording, f audio.Format) string { return Stem(r) + f.Ext() }

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
func quarantineKey(r call.Recording, sha256 string, f audio.Format) string {
	return call.QuarantinePrefix + segment(r.Integration) + "/" + r.ID + "/" + sha256 + f.Ext()
}
