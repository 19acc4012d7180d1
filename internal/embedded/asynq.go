package embedded

import (
	"errors"

	"github.com/alicebob/miniredis/v2/server"
)

// Digests of scripts in github.com/hibiken/asynq v0.26, internal/rdb.
const (
	enqueueScript = "98d28b42650870a743450ffda9791e9e19c6991b"
	dequeueScript = "a8153319360adc71cdc370107f8ab9786f204765"
	doneScript    = "1241eaa1c73409baaf1fea0c08d203a4911bda15"
	forwardScript = "522b1a6ae66fe79ea2f24a9af58798ab71879035"
	infoScript    = "1463a65d3fd6698099862e1314658984affe6ed7"
)

// enqueue: a new task is appended to the pending ones.
// Keys: task, pending; arguments: message, id, now in ns.
func enqueue(s *scripts, c *server.Peer, keys, argv []string) (bool, error) {
	task, pending := keys[0], keys[1]
	there, err := s.do("EXISTS", task)
	if err != nil {
		return false, err
	}
	if there == 1 {
		c.WriteInt(0)
		return true, nil
	}
	if _, err := s.do("HSET", task, "msg", argv[0], "state", "pending", "pending_since", argv[2]); err != nil {
		return false, err
	}
	if _, err := s.do("LPUSH", pending, argv[1]); err != nil {
		return false, err
	}
	c.WriteInt(1)
	return true, nil
}

// dequeue: the first pending task becomes active, with a lease.
// Keys: pending, paused, active, lease; arguments: end of the lease, prefix of tasks' keys.
func dequeue(s *scripts, c *server.Peer, keys, argv []string) (bool, error) {
	pending, paused, active, lease := keys[0], keys[1], keys[2], keys[3]
	if stopped, err := s.do("EXISTS", paused); err != nil {
		return false, err
	} else if stopped == 1 {
		c.WriteNull()
		return true, nil
	}
	first, err := s.do("RPOPLPUSH", pending, active)
	if err != nil {
		return false, err
	}
	id, ok := first.(string)
	if !ok {
		c.WriteNull()
		return true, nil
	}
	task := argv[1] + id
	for _, command := range [][]string{
		{"HSET", task, "state", "active"}, {"HDEL", task, "pending_since"}, {"ZADD", lease, argv[0], id},
	} {
		if _, err := s.do(command...); err != nil {
			return false, err
		}
	}
	msg, err := s.do("HGET", task, "msg")
	if err != nil {
		return false, err
	}
	if text, ok := msg.(string); ok {
		c.WriteBulk(text)
	} else {
		c.WriteNull()
	}
	return true, nil
}

var errNotFound = errors.New("NOT FOUND")

// done: an active task is removed and counted.
// Keys: active, lease, task, processed that day, processed; arguments: id, until
// when the day's number is kept, the largest number.
func done(s *scripts, c *server.Peer, keys, argv []string) (bool, error) {
	for _, command := range [][]string{{"LREM", keys[0], "0", argv[0]}, {"ZREM", keys[1], argv[0]}, {"DEL", keys[2]}} {
		n, err := s.do(command...)
		if err != nil {
			return false, err
		}
		if n == 0 {
			return false, errNotFound
		}
	}
	today, err := s.do("INCR", keys[3])
	if err != nil {
		return false, err
	}
	if today == 1 {
		if _, err := s.do("EXPIREAT", keys[3], argv[1]); err != nil {
			return false, err
		}
	}
	all, err := s.do("GET", keys[4])
	if err != nil {
		return false, err
	}
	count := []string{"INCR", keys[4]}
	if all == argv[2] {
		count = []string{"SET", keys[4], "1"}
	}
	if _, err := s.do(count...); err != nil {
		return false, err
	}
	c.WriteInline("OK")
	return true, nil
}

// forward is called twice a second for tasks whose time has come; if there is one, Lua runs it.
// Keys: the tasks by time, pending; arguments: now in s, and more.
func forward(s *scripts, c *server.Peer, keys, argv []string) (bool, error) {
	n, err := s.do("ZCOUNT", keys[0], "-inf", argv[0])
	if err != nil || n != 0 {
		return false, err
	}
	c.WriteInt(0)
	return true, nil
}

// info is called for a task that exists already; if it is scheduled, Lua runs it.
// Keys: task; arguments: id, now in s, prefix of the tasks' keys by state.
func info(s *scripts, c *server.Peer, keys, argv []string) (bool, error) {
	answer, err := s.do("HMGET", keys[0], "msg", "state", "result")
	if err != nil {
		return false, err
	}
	fields, _ := answer.([]any)
	if len(fields) != 3 || fields[0] == nil || fields[2] != nil {
		return false, nil
	}
	msg, _ := fields[0].(string)
	state, _ := fields[1].(string)
	if state != "pending" && state != "active" {
		return false, nil
	}
	c.Block(func(w *server.Writer) {
		w.WriteLen(4)
		w.WriteBulk(msg)
		w.WriteBulk(state)
		if state == "pending" {
			w.WriteBulk(argv[1])
		} else {
			w.WriteInt(0)
		}
		w.WriteNull()
	})
	return true, nil
}
