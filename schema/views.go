package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Views are the plain views and the dictionaries of a program.
type Views struct {
	Revision    uint32       // rises with every change of them
	Definitions []Definition // in order of dependency: each after those that it names
}

// Definition is a statement that makes a view or dictionary, or replaces it.
type Definition struct {
	Name       string
	Dictionary bool   // else a view
	Statement  string // of a dictionary: with Credentials in it
}

// Credentials stands in a dictionary's statement where USER and PASSWORD of its
// source belong. The server reads the source as a user, whose name and password
// must be in the statement (SHOW CREATE hides the password), and a password
// changes: so dictionaries are made anew at every start. Named collections were
// rejected: a server of one's own seldom lets its users make one.
const Credentials = "{credentials}"

// Digest tells a definition from another of the same name.
func (d Definition) Digest() string {
	sum := sha256.Sum256([]byte(d.Statement))
	return hex.EncodeToString(sum[:16])
}

// Digests are those of all of them, by name.
func (v Views) Digests() map[string]string {
	out := make(map[string]string, len(v.Definitions))
	for _, d := range v.Definitions {
		out[d.Name] = d.Digest()
	}
	return out
}

// digest is that of all of them together.
func (v Views) digest() string {
	h := sha256.New()
	all := v.Digests()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintln(h, name, all[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func readViews(files fs.FS) (Views, error) {
	var v Views
	revision, _, err := readRevision(files)
	if err != nil {
		return v, err
	}
	var all []Definition
	for _, kind := range []struct {
		files      string
		dictionary bool
	}{{"views/*.sql", false}, {"dictionaries/*.sql", true}} {
		names, err := fs.Glob(files, kind.files)
		if err != nil {
			return v, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return v, err
			}
			all = append(all, Definition{base(name), kind.dictionary, strings.TrimSpace(string(text))})
		}
	}
	ordered, err := inOrder(all)
	return Views{revision, ordered}, err
}

// readRevision reads the number, and the digest of the views that it belongs to.
func readRevision(files fs.FS) (revision uint32, digest string, err error) {
	const name = "views/revision.txt"
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return 0, "", err
	}
	if _, err := fmt.Sscanf(string(text), "%d %s\n", &revision, &digest); err != nil {
		return 0, "", fmt.Errorf("%s: want a number and a digest: %w", name, err)
	}
	return revision, digest, nil
}

var (
	comment = regexp.MustCompile(`(?m)--.*$`)
	word    = regexp.MustCompile(`\w+`)
)

// names are the words of a statement outside its comments.
func (d Definition) names() map[string]bool {
	out := map[string]bool{}
	for _, w := range word.FindAllString(comment.ReplaceAllString(d.Statement, ""), -1) {
		out[w] = true
	}
	return out
}

// inOrder puts each definition after all whose names it has in it, and otherwise by
// name. Those that need each other are an error.
func inOrder(all []Definition) ([]Definition, error) {
	rest := slices.SortedFunc(slices.Values(all), func(a, b Definition) int { return strings.Compare(a.Name, b.Name) })
	names := map[string]map[string]bool{}
	for _, d := range rest {
		names[d.Name] = d.names()
	}
	var out []Definition
	for len(rest) > 0 {
		i := slices.IndexFunc(rest, func(d Definition) bool {
			return !slices.ContainsFunc(rest, func(o Definition) bool { return o.Name != d.Name && names[d.Name][o.Name] })
		})
		if i < 0 {
			var left []string
			for _, d := range rest {
				left = append(left, d.Name)
			}
			return nil, fmt.Errorf("these views need each other, or one that does: %s", strings.Join(left, ", "))
		}
		out = append(out, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return out, nil
}
