package bucket

import "cmp"

// Longest is the place among the files of one recording of the one that is the
// recording: the one that plays longest; of several the one under the recording's own
// key, then the one that is named first. Every file must be whole.
func Longest(files []Sidecar) int {
	best := 0
	for i, f := range files {
		if f.before(files[best]) {
			best = i
		}
	}
	return best
}

// before reports whether a file is to be taken for the recording rather than another.
// The recording's own key is the shortest.
func (s Sidecar) before(other Sidecar) bool {
	return cmp.Or(cmp.Compare(other.DurationMS, s.DurationMS), cmp.Compare(len(s.Key), len(other.Key))) < 0
}
