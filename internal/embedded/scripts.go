package embedded

import (
	"bufio"
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2/server"
)

// scripts runs the five scripts of asynq that jobs need in Go instead of Lua:
// miniredis creates a Lua state with all its libraries for each call, which
// was more than half of all memory that an archiving process allocated, and a
// third of its time including garbage collection.
//
// A script is identified by its digest, as in Redis itself: where asynq changes
// one, Lua runs it again, and a test fails. All scripts, these and Lua's, run one at a
// time, so that each is atomic among them, as in Redis; single commands may run
// in between, but those of asynq only read (lengths, states) or extend a lease.
type scripts struct {
	srv   *server.Server
	known map[string]script
	lua   atomic.Int64 // number of scripts that Lua has run

	turn    sync.Mutex
	passing atomic.Pointer[server.Peer] // the caller whose script Lua runs now

	// One script at a time asks by this peer and reads its answers here.
	asking  *server.Peer
	written *bufio.Writer
	answer  bytes.Buffer
	reader  *bufio.Reader
}

// script is one of asynq's with its numbers of keys and arguments. run answers the
// caller; false where Lua must do it, and nothing was changed.
type script struct {
	keys, args int
	run        func(s *scripts, c *server.Peer, keys, argv []string) (answered bool, err error)
}

func newScripts(srv *server.Server) *scripts {
	s := &scripts{srv: srv, known: map[string]script{
		enqueueScript: {2, 3, enqueue}, dequeueScript: {4, 2, dequeue}, doneScript: {5, 3, done},
		forwardScript: {2, 4, forward}, infoScript: {1, 3, info},
	}}
	s.written, s.reader = bufio.NewWriter(&s.answer), bufio.NewReader(&s.answer)
	s.asking = server.NewPeer(s.written)
	return s
}

// hook is called before every command; true if it was answered here.
func (s *scripts) hook(c *server.Peer, cmd string, args ...string) bool {
	if cmd != "EVALSHA" && cmd != "EVAL" || s.passing.Load() == c {
		return false
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if cmd == "EVALSHA" && len(args) > 1 && s.own(c, args) {
		return true
	}
	s.lua.Add(1)
	s.passing.Store(c)
	defer s.passing.Store(nil)
	s.srv.Dispatch(c, append([]string{cmd}, args...))
	return true
}

// own runs a script in Go if it is known; false if nothing was done or answered.
func (s *scripts) own(c *server.Peer, args []string) bool {
	script, ok := s.known[args[0]]
	if !ok || len(args) != 2+script.keys+script.args || args[1] != strconv.Itoa(script.keys) {
		return false
	}
	s.asking.Ctx = c.Ctx // for a caller without the password the first command fails
	answered, err := script.run(s, c, args[2:2+script.keys], args[2+script.keys:])
	if err != nil {
		c.WriteError(err.Error())
		return true
	}
	return answered
}

// do runs one command for the script's caller.
func (s *scripts) do(args ...string) (any, error) {
	s.answer.Reset()
	s.reader.Reset(&s.answer)
	s.srv.Dispatch(s.asking, args)
	s.asking.Flush()
	return server.ParseReply(s.reader)
}
