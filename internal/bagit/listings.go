package bagit

import (
	"slices"
	"strings"
)

// maxManifests of a bag: each file is looked up in all of them.
const maxManifests = 32

// readManifests finds the manifests, and notes what they list.
func (v *validation) readManifests() {
	for _, f := range v.sorted() {
		m := manifestName.FindStringSubmatch(f.path)
		switch {
		case m == nil:
		case len(v.manifests) == maxManifests:
			v.f.fail(LimitExceeded, f.path, "the bag has more than %d manifests; this one is not read", maxManifests)
		default:
			v.manifests = append(v.manifests, &manifest{name: f.path, tag: m[1] != "", algorithm: m[2], size: digestLength(m[2])})
		}
	}
	known := false
	for _, m := range v.manifests {
		v.readManifest(m)
		known = known || !m.tag && m.size > 0
	}
	if !slices.ContainsFunc(v.manifests, func(m *manifest) bool { return !m.tag }) {
		v.f.fail(ManifestMissing, "", "there is no payload manifest")
		return
	}
	for _, m := range v.manifests {
		switch {
		case m.size > 0:
		case known || m.tag:
			v.f.warn(AlgorithmUnknown, m.name, "the algorithm %q is not known here: its digests are not checked", m.algorithm)
		default:
			v.f.fail(AlgorithmUnknown, m.name, "the algorithm %q is not known here, and no other manifest lists the payload", m.algorithm)
		}
	}
}

func (v *validation) readManifest(m *manifest) {
	last := ""
	v.tagFile(m.name, func(l line) {
		if strings.Trim(l.text, " \t") == "" {
			v.f.warn(BlankLine, m.name, "line %d is empty", l.number)
			return
		}
		e, problem := parseEntry(l.text, v.decl.version, m.size)
		switch {
		case l.broken:
			v.f.fail(EncodingWrong, m.name, "line %d is not in the encoding %s", l.number, v.decl.encoding)
			return
		case problem != "":
			v.f.fail(ManifestForm, m.name, "line %d: %s", l.number, problem)
			return
		}
		if v.opts.Closed && (!l.plain || !e.canonical() || e.path < last) {
			v.f.fail(NotCanonical, m.name, "line %d is not written or not placed as a writer of this package does it", l.number)
		}
		last = e.path
		v.list(m, e, l.number)
	})
}

// list notes a line of a manifest.
func (v *validation) list(m *manifest, e entry, number int) {
	if e.path != e.written && v.decl.version.before(1, 0) && !v.present(e.path) && v.present(e.written) {
		e.path = e.written // before 1.0 a name that looks encoded may be one
	}
	v.style(m, e, number)
	if !v.belongs(m, e.path) {
		return
	}
	f := v.files[e.path]
	if f == nil {
		if len(v.files) >= 2*v.opts.Limits.Files {
			v.f.fail(LimitExceeded, m.name, "the bag and its manifests have too many names; line %d is not looked at", number)
			return
		}
		f = &file{path: e.path}
		v.files[e.path], v.order = f, nil
	}
	for _, was := range f.listings {
		if was.in == m {
			v.twice(m, e, was.digest == e.digest)
			return // the first line counts: a list of all could be made to grow without an end
		}
	}
	m.listed++
	f.listings = append(f.listings, listing{in: m, digest: e.digest})
}

// style reports how a line is written.
func (v *validation) style(m *manifest, e entry, number int) {
	if e.asterisk {
		v.f.warn(Asterisk, m.name, "line %d has an asterisk before the path, as md5sum writes it", number)
	}
	if e.dotSlash {
		v.f.warn(DotSlash, m.name, "line %d has ./ before the path", number)
	}
	if e.stray {
		v.f.warn(PercentForm, m.name, "line %d has a percent sign that is not written as %%25", number)
	}
	if isSystemFile(e.path) {
		v.f.warn(SystemFile, e.path, "%s lists a file that an operating system made", m.name)
	}
}

// belongs tells whether a manifest may list a path, and reports where it may not. Nothing
// that is refused here is opened.
func (v *validation) belongs(m *manifest, path string) bool {
	if code, why := unsafePath(path); code != "" {
		v.f.fail(code, path, "%s lists it: %s", m.name, why)
		return false
	}
	switch inner := manifestName.FindStringSubmatch(path); {
	case strings.Count(path, "/") >= v.opts.Limits.Depth:
		v.f.fail(LimitExceeded, path, "%s lists it, and it lies deeper than %d folders", m.name, v.opts.Limits.Depth)
	case !m.tag && !isPayload(path):
		v.f.fail(OutsidePayload, path, "%s lists it, and it is not in data/", m.name)
	case m.tag && isPayload(path):
		v.f.fail(PayloadInTagManifest, path, "%s lists it, and it is in data/", m.name)
	case m.tag && inner != nil && inner[1] != "" && !v.decl.version.before(1, 0):
		v.f.fail(TagManifestListed, path, "%s lists it, and it is a tag manifest", m.name)
	default:
		return true
	}
	return false
}

// twice reports a path that a manifest lists again.
func (v *validation) twice(m *manifest, e entry, same bool) {
	switch {
	case !same:
		v.f.fail(ListedDiffering, e.path, "%s lists it twice, with different digests", m.name)
	case v.decl.version.before(1, 0):
		v.f.warn(ListedTwice, e.path, "%s lists it twice, with the same digest", m.name)
	default:
		v.f.fail(ListedTwice, e.path, "%s lists it twice, with the same digest", m.name)
	}
}

// readFetch notes which files are to be had elsewhere.
func (v *validation) readFetch() {
	if !v.present(fetchFile) {
		return
	}
	v.tagFile(fetchFile, func(l line) {
		if strings.Trim(l.text, " \t") == "" {
			v.f.warn(BlankLine, fetchFile, "line %d is empty", l.number)
			return
		}
		item, problem := parseFetch(l.text, v.decl.version)
		switch {
		case l.broken:
			v.f.fail(EncodingWrong, fetchFile, "line %d is not in the encoding %s", l.number, v.decl.encoding)
		case problem != "":
			v.f.fail(FetchForm, fetchFile, "line %d: %s", l.number, problem)
		default:
			v.fetchable(item, l.number)
		}
	})
}

func (v *validation) fetchable(item fetchItem, number int) {
	if item.stray {
		v.f.warn(PercentForm, fetchFile, "line %d has a percent sign that is not written as %%25", number)
	}
	if code, why := unsafePath(item.path); code != "" {
		v.f.fail(code, item.path, "%s names it: %s", fetchFile, why)
		return
	}
	f := v.files[item.path]
	switch listed := f != nil && len(f.listings) > 0; {
	case !isPayload(item.path) && !v.decl.version.before(1, 0):
		v.f.fail(FetchTagFile, item.path, "%s names it, and it is not in data/", fetchFile)
	case !listed && !v.decl.version.before(1, 0):
		v.f.fail(FetchUnknown, item.path, "%s names it, and no manifest lists it", fetchFile)
	case !listed:
		v.f.warn(FetchUnknown, item.path, "%s names it, and no manifest lists it", fetchFile)
	default:
		v.fetch[item.path] = true
	}
}
