package call

import (
	"encoding/hex"
	"net/url"
	"strings"
)

// RecordingID identifies a recording by its integration and link: 32 lower-case hex
// digits. Of a link its user and fragment, which no server gets to see, are left out,
// and whole groups of signature parameters: two links that differ only in a signature
// are the same recording.
//
// All else of a query is part of the identity, also a token alone: where two links
// are taken for two recordings though they are one, there are two rows; where two are
// taken for one, a call's conversation is lost.
func RecordingID(integration, link string) string {
	sum := sum("recording", integration, identity(link))
	return hex.EncodeToString(sum[:16])
}

func identity(link string) string {
	u, err := url.Parse(link)
	if err != nil { // as it came, but for its signature
		path, query, _ := strings.Cut(link, "?")
		query, _, _ = strings.Cut(query, "#")
		return joined(path, unsigned(query))
	}
	query := unsigned(u.RawQuery)
	u.RawQuery, u.Fragment, u.ForceQuery, u.User = "", "", false, nil
	u.Host = strings.ToLower(u.Host)
	return joined(u.String(), query)
}

// LinkPath is the path of a link alone: what two links have in common that a script
// gives out under two ids, or that one server gives out under two names.
func LinkPath(link string) string {
	u, err := ParseLink(link)
	if err != nil {
		path, _, _ := strings.Cut(link, "?")
		return path
	}
	return u.EscapedPath()
}

func joined(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// signature is a group of parameters that sign a link. A query has it where it has all
// of needs, none of them empty; then what belongs to it is no part of the identity.
type signature struct {
	needs   []string
	belongs func(name string) bool
}

// The groups, from the documentation of Amazon S3 and CloudFront, Google Cloud Storage
// and Azure Storage. The names of the first two are like nothing else's, so that their
// case does not matter.
var signatures = []signature{
	{[]string{"x-amz-signature"}, prefixed("x-amz-")},
	{[]string{"x-goog-signature"}, prefixed("x-goog-")},
	{[]string{"Signature", "Expires"}, oneOf("Signature Expires Key-Pair-Id Policy")},
	{[]string{"sig", "sv", "se"}, oneOf("sig sv se st sp sr spr sip ss srt si ses sdd skoid sktid skt ske sks skv saoid suoid scid")},
}

func prefixed(prefix string) func(string) bool {
	return func(name string) bool { return strings.HasPrefix(strings.ToLower(name), prefix) }
}

func oneOf(names string) func(string) bool {
	set := map[string]bool{}
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
	return func(name string) bool { return set[name] }
}

// unsigned is a query without its signatures; what is left stays as it is spelled,
// and in its order.
func unsigned(query string) string {
	if query == "" {
		return ""
	}
	parameters := strings.Split(query, "&")
	for _, s := range signatures {
		if s.signs(parameters) {
			kept := parameters[:0]
			for _, p := range parameters {
				if name, _ := parameter(p); !s.belongs(name) {
					kept = append(kept, p)
				}
			}
			parameters = kept
		}
	}
	return strings.Join(parameters, "&")
}

func (s signature) signs(parameters []string) bool {
	for _, need := range s.needs {
		found := false
		for _, p := range parameters {
			name, value := parameter(p)
			if strings.HasPrefix(need, "x-") {
				name = strings.ToLower(name)
			}
			found = found || value && name == need
		}
		if !found {
			return false
		}
	}
	return true
}

// parameter is the name of a query's parameter, and whether it has a value.
func parameter(p string) (name string, value bool) {
	name, text, _ := strings.Cut(p, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	return name, text != ""
}
