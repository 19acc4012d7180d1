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
		var n noted
		anna := listening("anna", recording)
		if n.lately(anna) {
			t.Error("noted before it was")
		}
		n.remember(anna)
		time.Sleep(again - time.Second)
		if !n.lately(anna) || n.lately(listening("boris", recording)) {
			t.Error("a note is not of its listener for ten minutes")
		}
		time.Sleep(time.Second)
		if n.lately(anna) {
			t.Error("a note holds for longer than ten minutes")
		}
	})
}

func TestFewNotesAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n noted
		for i := range 3 * maxNoted {
			if i == maxNoted/2 {
				time.Sleep(again)
			}
			key := listening(strconv.Itoa(i), recording)
			if n.remember(key); !n.lately(key) || len(n.at) > maxNoted {
				t.Fatalf("the newest of %d is forgotten, or %d are remembered", i, len(n.at))
			}
		}
	})
}
