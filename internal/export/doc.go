// Package export writes packages (package pack): a selection of calls with their
// recordings, for somebody who can check it without Fonoteka.
//
// A folder comes first, always, and an archive is written from it when it is finished. Run
// goes through steps, each durable before the next one begins: the selection is fixed once
// and never asked for again, so that a package is of one moment; then each object is
// copied, and compared with the digest that the catalogue has; then come the documents
// about both, the bag's manifests, the signature and the time stamp. Killed at any point
// and started again with the same arguments, Run goes on, and what it makes is the same.
//
// An object that is not what the catalogue says is never exported as right. It is listed
// with both digests, and everything else is written all the same.
//
// What is remembered between runs lies beside the package, in the work folder, which is
// removed at the end. It holds what the package holds, and is as confidential.
package export
