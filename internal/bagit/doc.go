// Package bagit writes and validates bags: folders of files with the digests of all of
// them beside, in the form of RFC 8493 (BagIt 1.0). It knows nothing of what is in them.
//
// A Writer makes a bag of version 1.0 with manifests of SHA-256 and SHA-512 for payload
// and tag files, both computed while a file is written. A file appears under its final
// name only when it is whole and on disk, and the tag manifest of SHA-256 appears last:
// where it is, the bag is finished. A killed writer goes on where it was.
//
// Validate reads a bag of any version from 0.93 to 1.0 by the rules of that version, out
// of a folder, a zip or a tar, and returns what is wrong as values. Nothing is fetched,
// no symbolic link is followed, and nothing outside the bag is opened, whatever a
// manifest names. With Options.Closed it holds a bag to what the Writer writes: the set
// of files is closed, and what is only doubtful elsewhere is an error.
//
// Memory grows with the number of files and the length of their names, never with their
// content; Limits bounds both.
//
// It is our own because the Go libraries lack what is needed here. nyudlts/go-bagit, the
// one that is kept, says itself that it has neither several manifests nor other tag
// files; steffenfritz/bagit writes one manifest and ended in 2019, APTrust/bagins ended in
// 2016, and srerickson/bago holds to a draft. None resumes, closes the set of files, or
// reads an archive in place.
//
// The reference is RFC 8493, and for older bags draft-kunze-bagit-00 to -17.
package bagit
