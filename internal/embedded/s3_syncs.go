package embedded

import (
	"sync"
	"sync/atomic"
)

// sharedSyncs lets all who wait for a sync of the same folder share the next one.
type sharedSyncs struct {
	do func(path string) error // nil: fsync

	mu   sync.Mutex
	each map[string]*sharedSync
}

type sharedSync struct {
	users int // who waits or syncs; under sharedSyncs.mu

	running chan struct{} // holds one while somebody syncs
	begun   atomic.Uint64
	err     error // of the last sync
}

// sync returns when a sync of path that began after the call has ended.
func (s *sharedSyncs) sync(path string) error {
	one := s.use(path)
	defer s.leave(path, one)
	before := one.begun.Load()
	one.running <- struct{}{}
	defer func() { <-one.running }()
	if one.begun.Load() == before {
		one.begun.Add(1)
		do := s.do
		if do == nil {
			do = fsync
		}
		one.err = do(path)
	}
	return one.err
}

func (s *sharedSyncs) use(path string) *sharedSync {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.each == nil {
		s.each = map[string]*sharedSync{}
	}
	one := s.each[path]
	if one == nil {
		one = &sharedSync{running: make(chan struct{}, 1)}
		s.each[path] = one
	}
	one.users++
	return one
}

func (s *sharedSyncs) leave(path string, one *sharedSync) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.each, path)
	}
}
