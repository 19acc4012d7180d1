// Package embedded starts ClickHouse, S3 and Redis on this machine, for an
// installation that fits one machine and for tests.
//
// Contract. Every store listens on the loopback interface only, asks for a
// password, keeps its port and its data in a folder of its own, stops cleanly,
// ends with the process that started it however that process ends, and comes
// back after a kill -9 with everything it had acknowledged (except Redis, which
// stores nothing: see Redis). Stack runs all three and restarts a store that dies or
// does not answer.
//
// ClickHouse is the engine inside libchdb.so, an npm package that is fetched
// once and pinned by its digest (FetchEngine), because no other way to a real
// ClickHouse without root rights and a package source was found. It is loaded
// by github.com/ebitengine/purego, which needs no C compiler; cgo was rejected
// for that reason, and a build tag "noengine" leaves the engine out for a
// static binary. It runs in a child process, since a crash of a C++ database
// must not take notifications with it; github.com/creack/pty gives it the
// terminal without which it aborts on a client's reset (see engine.go).
//
// S3 is github.com/versity/versitygw over a plain folder: Apache-2.0, maintained,
// and usable as a library. MinIO's community edition is no longer maintained.
// It runs in a child process too: it changes the working directory of its
// process, prints to stdout and allows one instance per process.
//
// Redis is github.com/alicebob/miniredis in this process: the queue is only a
// clock here, and losing it costs only one pass of the planner.
//
// The children are this same executable, so a program that uses the package
// must call Main at the beginning of main, and tests in TestMain.
package embedded
