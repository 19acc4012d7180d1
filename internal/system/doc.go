// Package system holds the tests of the whole, and nothing else.
//
// Most of them run cmd/fonoteka from outside, as a process on an installation of its
// own: they post notifications as the operator does, run commands, kill what runs, and
// hold what is stored against the simulator's ledger. What a command says and how it
// ends is all that they know of it; where no command tells it, they read the files and
// tables of the installation by the packages that own them.
//
// The others join stages with real stores by a clock of their own (months of a
// recording, seeded years), or measure: benchmarks, and the tests at size of
// deploy/bench/size.sh.
//
// Rejected: to run commands within the test's process. It is faster by the start of a
// process each, but only package main could hold the tests then, they had to take turns
// as the command line keeps a global variable, and they saw its functions.
package system
