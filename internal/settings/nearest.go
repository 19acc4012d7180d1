package settings

import "strings"

// nearest is the known word that was probably meant by one that is not known: it differs
// in few letters, or is the beginning or the end of the other. "" where there is none.
func nearest(word string, known []string) string {
	const least = 4 // letters of what may be a beginning or an end
	meant, nearness := "", 0
	for _, k := range known {
		a, b := plain(word), plain(k)
		off := distance(a, b)
		part := min(len(a), len(b)) >= least &&
			(strings.HasPrefix(a, b) || strings.HasSuffix(a, b) || strings.HasPrefix(b, a) || strings.HasSuffix(b, a))
		if (part || off <= max(1, min(3, len(b)/4))) && (meant == "" || off < nearness) {
			meant, nearness = k, off
		}
	}
	return meant
}

// plain leaves only what makes names differ.
func plain(name string) string {
	name = strings.TrimPrefix(strings.ToLower(name), "fonoteka_")
	return strings.NewReplacer("_", "", "-", "").Replace(name)
}

// distance is how many letters must be added, left out, replaced or exchanged with their
// neighbour to make b of a.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
