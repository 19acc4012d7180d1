package bagit

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// checkName says why a Writer writes no file of a name.
func checkName(name string) error {
	if _, why := unsafePath(name); why != "" {
		return errors.New(why)
	}
	lower := strings.ToLower(name)
	switch {
	case strings.Count(name, "/") >= maxDepth || len(name) > maxLine/4:
		return errors.New("the path is too long or too deep")
	case lower == "data":
		return errors.New("it is the payload's folder")
	case strings.HasPrefix(lower, payloadFolder) && !isPayload(name):
		return errors.New("it differs from data/ in case only")
	case strings.ContainsRune(" \t*", rune(name[0])):
		return errors.New("a manifest cannot list a path that begins with white space or an asterisk")
	case isTemp(name):
		return errors.New("the writer uses such names for unfinished files")
	case isSystemFile(name):
		return errors.New("it is a file that an operating system makes")
	}
	if ownFile(lower) {
		return errors.New("the writer writes it itself, or it has a meaning that this bag has no use for")
	}
	return nil
}

// ownFile are the tag files that have a meaning of their own, by a name in lower case.
func ownFile(lower string) bool {
	switch lower {
	case declarationFile, infoFile, oldInfoFile, fetchFile:
		return true
	}
	return manifestName.MatchString(lower)
}

// reserve takes a name, so that no other file and no folder of a name that some file
// system takes for it is written.
func (w *Writer) reserve(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if was, ok := w.names[foldKey(dir)]; ok && was != dir+"/" {
			return fmt.Errorf("its folder %q clashes with %q", dir, was)
		}
	}
	if was, ok := w.names[foldKey(name)]; ok {
		return fmt.Errorf("it clashes with %q, which is there already", was)
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		w.names[foldKey(dir)] = dir + "/"
	}
	w.names[foldKey(name)] = name
	return nil
}

// release gives back a name that was reserved. Its folders stay taken: they are there.
func (w *Writer) release(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.names, foldKey(name))
}
