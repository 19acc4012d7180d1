package bagit

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Result of Finish.
type Result struct {
	PayloadFiles int
	PayloadBytes int64
	// TagManifest is the sum of tagmanifest-sha256.txt: whoever knows one of its digests
	// knows the whole bag.
	TagManifest Sum
}

// Finish writes bagit.txt, bag-info.txt with info in its order and Payload-Oxum behind
// it, and the manifests, the tag manifest of SHA-256 last. When it returns nil, the bag survives a loss of power. It fails where the folder
// holds something that was neither added nor adopted, or lacks what was. After a failure
// it may be called again. No Add may be under way.
func (w *Writer) Finish(info []Field) (Result, error) {
	r, err := w.finish(info)
	if err != nil {
		return Result{}, fmt.Errorf("finish bag %s: %w", w.dir, err)
	}
	return r, nil
}

func (w *Writer) finish(info []Field) (r Result, err error) {
	for _, f := range info {
		if err := f.Check(); err != nil {
			return r, err
		}
	}
	if err := w.compare(); err != nil {
		return r, err
	}
	for name, sum := range w.files {
		if isPayload(name) {
			r.PayloadFiles++
			r.PayloadBytes += sum.Size
		}
	}
	if err := w.syncFolders(); err != nil {
		return r, err
	}
	oxum := oxum{r.PayloadBytes, int64(r.PayloadFiles)}
	tags, err := w.tagFiles(append(slices.Clone(info), Field{labelOxum, oxum.String()}))
	if err != nil {
		return r, err
	}
	if _, err := w.putManifest("tagmanifest-"+sha512Name+".txt", sha512Name, tags); err != nil {
		return r, err
	}
	if err := w.syncFolder("."); err != nil { // everything is durable before the last name appears
		return r, err
	}
	if r.TagManifest, err = w.putManifest(lastFile, sha256Name, tags); err != nil {
		return r, err
	}
	if err := w.syncFolder("."); err != nil {
		return r, err
	}
	return r, syncPath(filepath.Dir(filepath.Clean(w.dir)))
}

// tagFiles writes all of them but the tag manifests, and returns what those list.
func (w *Writer) tagFiles(info []Field) (map[string]Sum, error) {
	tags, payload := map[string]Sum{}, map[string]Sum{}
	for name, sum := range w.files {
		if isPayload(name) {
			payload[name] = sum
		} else {
			tags[name] = sum
		}
	}
	var err error
	tags[declarationFile], err = w.put(declarationFile, func(to io.Writer) error {
		_, err := io.WriteString(to, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	tags[infoFile], err = w.put(infoFile, func(to io.Writer) error { return writeInfo(to, info) }, nil)
	if err != nil {
		return nil, err
	}
	for _, algorithm := range []string{sha256Name, sha512Name} {
		name := "manifest-" + algorithm + ".txt"
		if tags[name], err = w.putManifest(name, algorithm, payload); err != nil {
			return nil, err
		}
	}
	return tags, nil
}

// putManifest writes a manifest, sorted by the bytes of the paths.
func (w *Writer) putManifest(name, algorithm string, files map[string]Sum) (Sum, error) {
	return w.put(name, func(to io.Writer) error {
		b := bufio.NewWriterSize(to, 64<<10)
		for _, path := range slices.Sorted(maps.Keys(files)) {
			_, _ = b.WriteString(entryLine(files[path].of(algorithm), path)) // Flush tells of errors
		}
		return b.Flush()
	}, nil)
}

// finishWrites are the files that an interrupted Finish leaves and the next one replaces.
var finishWrites = []string{
	declarationFile, infoFile, "manifest-" + sha256Name + ".txt", "manifest-" + sha512Name + ".txt",
	"tagmanifest-" + sha512Name + ".txt", lastFile,
}

// compare holds the folder against what was added and adopted: a file that is left from
// other arguments must not become a part of the bag, nor make it invalid.
func (w *Writer) compare() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := 0
	err := walkFolder(w.root, ".", func(e Entry) error {
		sum, ours := w.files[e.Path]
		switch {
		case e.Kind == Folder, e.Kind == File && slices.Contains(finishWrites, e.Path):
			return nil
		case !ours || e.Kind != File:
			return fmt.Errorf("%q lies in the folder and was not added", e.Path)
		case e.Size != sum.Size:
			return fmt.Errorf("%q has %d bytes instead of the %d that were written", e.Path, e.Size, sum.Size)
		}
		seen++
		return nil
	})
	if err == nil && seen < len(w.files) {
		err = fmt.Errorf("%d of %d files are not there any more", len(w.files)-seen, len(w.files))
	}
	return err
}

// syncFolders makes the names of all files durable.
func (w *Writer) syncFolders() error {
	for _, dir := range slices.Sorted(maps.Keys(w.folders)) {
		if err := w.syncFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) syncFolder(dir string) error {
	if err := w.at("folder", dir); err != nil {
		return err
	}
	d, err := w.root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func syncPath(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
