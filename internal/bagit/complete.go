package bagit

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// completeness compares what is there with what is listed.
func (v *validation) completeness() {
	if !v.folders["data"] {
		v.f.fail(PayloadFolderMissing, "data", "there is no folder data")
	}
	if v.decl.version.before(0, 97) {
		v.tagFolders()
	}
	v.clashes()
	lost := v.missing()
	for _, f := range v.sorted() {
		switch {
		case isPayload(f.path):
			v.payloadListed(f)
		case f.present && len(f.listings) == 0:
			v.tagUnlisted(f)
		}
	}
	v.tagManifests()
	v.checkOxum(lost)
}

// tagFolders: other folders than data/ came with 0.97.
func (v *validation) tagFolders() {
	seen := map[string]bool{}
	for _, f := range v.files {
		top, _, ok := strings.Cut(f.path, "/")
		if ok && f.present && top != "data" && !seen[top] {
			seen[top] = true
			v.f.warn(TagFolder, top, "a bag of version %s has no folder but data", v.decl.version)
		}
	}
}

// clashes reports names that some file system takes for one: of files, of folders, and
// of a file and a folder.
func (v *validation) clashes() {
	spelled := map[string]string{} // by key: how it was written first
	see := func(path string) {
		key := foldKey(path)
		first, ok := spelled[key]
		switch {
		case !ok:
			spelled[key] = path
		case first == path:
		case norm.NFC.String(first) == norm.NFC.String(path):
			v.f.warn(NormalForm, path, "the name differs from %q in its Unicode normal form only", first)
		default:
			v.f.warn(CaseClash, path, "the name differs from %q in case only", first)
		}
	}
	seen := map[string]bool{}
	for _, f := range v.sorted() {
		for i := range len(f.path) {
			if f.path[i] != '/' || seen[f.path[:i]] {
				continue
			}
			folder := f.path[:i]
			seen[folder] = true
			see(folder)
			if f.present && v.present(folder) {
				v.f.fail(EntryTwice, folder, "the name is that of a file and of a folder")
			}
		}
		see(f.path)
	}
}

// missing reports what is listed and not there, and returns how many files of an
// operating system are lost without a loss. In a foreign bag one name can stand for
// another: file systems change the normal form of names, and those that ignore case keep
// one of two names.
func (v *validation) missing() (lost int64) {
	var standIns map[string][]*file
	for _, f := range v.sorted() {
		if f.present {
			continue
		}
		if standIns == nil {
			standIns = v.byKey()
		}
		switch {
		case !v.opts.Closed && v.standIn(f, standIns[foldKey(f.path)]):
		case isSystemFile(f.path) && emptyByDigest(f):
			lost++
			v.f.warn(SystemFileMissing, f.path, "it is listed and not there; by its digest it was empty")
		case v.fetch[f.path]:
			v.f.fail(FileNotFetched, f.path, "it is not there; %s says where it may be had", fetchFile)
		default:
			v.f.fail(FileMissing, f.path, "%s lists it, and it is not there", f.listings[0].in.name)
		}
	}
	return lost
}

// maxStandIns of one name. Honest bags have one or two; a bag that is made for it has as
// many as there are ways to write a name in capitals.
const maxStandIns = 8

func (v *validation) byKey() map[string][]*file {
	m := map[string][]*file{}
	for _, f := range v.sorted() {
		if key := foldKey(f.path); f.present && len(m[key]) < maxStandIns {
			m[key] = append(m[key], f)
		}
	}
	return m
}

// standIn finds a file that is there under another spelling of its name. One in another
// normal form takes over what is listed. One in another case must be listed itself by the
// same manifest with the same digest: a file that was renamed is not the one that is listed.
// That the names clash has been reported.
func (v *validation) standIn(missing *file, candidates []*file) bool {
	for _, c := range candidates {
		if norm.NFC.String(c.path) == norm.NFC.String(missing.path) {
			for _, l := range missing.listings {
				if !slices.Contains(c.listings, l) {
					c.listings = append(c.listings, l)
				}
			}
			missing.standsIn = true
			return true
		}
		if !slices.ContainsFunc(missing.listings, func(l listing) bool { return !slices.Contains(c.listings, l) }) {
			missing.standsIn = true
			return true
		}
	}
	return false
}

// emptyByDigest tells whether every manifest says that a file is empty.
func emptyByDigest(f *file) bool {
	return !slices.ContainsFunc(f.listings, func(l listing) bool {
		newHash, ok := algorithms[l.in.algorithm]
		return !ok || string(newHash().Sum(nil)) != l.digest
	})
}

// payloadListed: 1.0 has each payload file in each payload manifest, older versions in
// at least one.
func (v *validation) payloadListed(f *file) {
	if f.standsIn {
		return
	}
	var absent []string
	checked := 0
	for _, m := range v.manifests {
		switch in := slices.ContainsFunc(f.listings, func(l listing) bool { return l.in == m }); {
		case m.tag:
		case !in:
			absent = append(absent, m.name)
		case m.size > 0:
			checked++
		}
	}
	switch {
	case len(f.listings) == 0:
		v.f.fail(FileUnlisted, f.path, "no manifest lists it")
	case len(absent) > 0 && !v.decl.version.before(1, 0):
		v.f.fail(NotInEveryManifest, f.path, "%s does not list it", strings.Join(absent, ", "))
	case checked == 0 && f.present:
		v.f.fail(Unchecked, f.path, "only manifests of unknown algorithms list it")
	}
}

// tagUnlisted reports a tag file that nothing protects.
func (v *validation) tagUnlisted(f *file) {
	m := manifestName.FindStringSubmatch(f.path)
	if m != nil && (m[1] != "" || !v.decl.version.before(1, 0)) || slices.Contains(v.opts.Extra, f.path) {
		return // 1.0 has a rule of its own for payload manifests
	}
	if slices.ContainsFunc(v.manifests, func(m *manifest) bool { return m.tag }) {
		v.f.warn(TagUnlisted, f.path, "no tag manifest lists it: nothing protects it")
	}
}

// tagManifests compares the tag manifests with each other and with what they must list.
func (v *validation) tagManifests() {
	tags := slices.DeleteFunc(slices.Clone(v.manifests), func(m *manifest) bool { return !m.tag })
	if len(tags) == 0 {
		v.f.warn(TagManifestMissing, "", "there is no tag manifest: nothing protects the tag files, manifests among them")
		return
	}
	for _, f := range v.sorted() {
		var in, out []string
		for _, m := range tags {
			if slices.ContainsFunc(f.listings, func(l listing) bool { return l.in == m }) {
				in = append(in, m.name)
			} else {
				out = append(out, m.name)
			}
		}
		name := manifestName.FindStringSubmatch(f.path)
		switch {
		case len(out) == 0:
		case name != nil && name[1] == "" && !v.decl.version.before(1, 0):
			v.f.fail(ManifestUnlisted, f.path, "%s does not list it", strings.Join(out, ", "))
		case len(in) > 0:
			v.f.warn(TagManifestsDisagree, f.path, "%s lists it, %s does not", strings.Join(in, ", "), strings.Join(out, ", "))
		}
	}
}

// closed is what a Writer's bag has beyond the rules of its version.
func (v *validation) closed() {
	if v.decl.version != (version{1, 0}) {
		v.f.fail(VersionUnknown, declarationFile, "the version is %s instead of 1.0", v.decl.version)
	}
	if v.decl.encoding != "UTF-8" {
		v.f.fail(EncodingUnknown, declarationFile, "the encoding is %q instead of UTF-8", v.decl.encoding)
	}
	for _, name := range []string{"manifest-" + sha256Name, "manifest-" + sha512Name} {
		if !v.present(name + ".txt") {
			v.f.fail(ManifestMissing, name+".txt", "it is not there")
		}
		if !v.present("tag" + name + ".txt") {
			v.f.fail(TagManifestMissing, "tag"+name+".txt", "it is not there")
		}
	}
	for _, m := range v.manifests {
		if m.algorithm != sha256Name && m.algorithm != sha512Name {
			v.f.fail(AlgorithmUnknown, m.name, "a writer of this package writes no such manifest")
		}
	}
}
