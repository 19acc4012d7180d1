package cdr

// The search in sorted fingerprints.
var (
	Split  = split
	Within = within
)
