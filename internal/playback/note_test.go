package playback

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

const recording = "0123456789abcdef0123456789abcdef"

func TestANoteStandsForTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n recentNotes
		anna := noteKey("anna", recording)
		if n.has(anna) {
			t.Error("noted before it was")
		}
		n.add(anna)
		time.Sleep(noteHolds - time.Second)
		if !n.has(anna) || n.has(noteKey("boris", recording)) {
			t.Error("a note is not of its listener for ten minutes")
		}
		time.Sleep(time.Second)
		if n.has(anna) {
			t.Error("a note holds for longer than ten minutes")
		}
	})
}

func TestFewNotesAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n recentNotes
		for i := range 3 * maxNotes {
			if i == maxNotes/2 {
				time.Sleep(noteHolds)
			}
			key := noteKey(strconv.Itoa(i), recording)
			if n.add(key); !n.has(key) || len(n.at) > maxNotes {
				t.Fatalf("the newest of %d is forgotten, or %d are remembered", i, len(n.at))
			}
		}
	})
}
