// Package verify checks a package (package pack) or any other bag, without a network and
// without an installation, and says what it found in words that a layman understands.
//
// A package of Fonoteka's is held to a closed set of files: each is listed in both
// manifests of its kind, or is one of the two tag manifests, their signatures or their
// time stamp. Its documents are read and held against its files and against each other.
// Any other bag is taken by the rules of its own version.
//
// Trust comes from Options alone. What a package says of itself – its key, its authority –
// is told as said, and proves nothing.
//
// What is checked by nobody: that the selection was complete, and that what was recorded
// is what was said. The first is the sender's signed statement.
package verify
