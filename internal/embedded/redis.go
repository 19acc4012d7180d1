package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	lua "github.com/yuin/gopher-lua"
)

// RedisOptions says how to start the embedded Redis.
type RedisOptions struct {
	Port     int    // 0 = a free one
	Password string // of the user "default"
}

func (o *RedisOptions) validate() error {
	if o.Password == "" {
		return errors.New("embedded Redis: a password is needed")
	}
	return nil
}

// Redis is a Redis in this process. It stores nothing on disk: the queue is
// lost with the process, and filled again by the planner from the catalogue.
type Redis struct {
	server  *miniredis.Miniredis
	scripts *scripts
	addr    string
	once    sync.Once
	quit    chan struct{}
	dialing sync.RWMutex // none dials when quit is closed
	done    chan struct{}
}

// redisTick is how often the clock of the embedded Redis advances: a key expires up
// to this much early or late. miniredis can follow the clock by itself
// (ClockTTL), but then walks over all keys at every command.
const redisTick = 250 * time.Millisecond

// smallLua makes the Lua states smaller that miniredis creates for each script
// that is left to Lua (see scripts): those of asynq need a twentieth of the
// library's default size. The library has no other way to set it.
var smallLua = sync.OnceFunc(func() { lua.RegistrySize, lua.CallStackSize = 512, 32 })

// StartRedis starts a Redis, which answers when it returns.
func StartRedis(opts RedisOptions) (*Redis, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if err := choosePorts(&opts.Port); err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	if err := portFree(opts.Port, "redis-port"); err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	smallLua()
	server := miniredis.NewMiniRedis()
	server.RequireAuth(opts.Password)
	// Without SetTime its clock is the machine's: TIME, EXPIREAT and stream ids are right.
	if err := server.StartAddr(address(opts.Port)); err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	r := &Redis{server: server, scripts: newScripts(server.Server()), addr: server.Addr(), quit: make(chan struct{}), done: make(chan struct{})}
	server.Server().SetPreHook(r.scripts.hook)
	go r.passTime()
	return r, nil
}

func (r *Redis) passTime() {
	defer close(r.done)
	ticker := time.NewTicker(redisTick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-r.quit:
			r.server.Close()
			return
		case <-ticker.C:
			now := time.Now()
			r.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Dial connects from within this process, without the kernel: a worker's job is five
// commands, and each takes four system calls over TCP. The connection has no buffer:
// commands that are sent together, without reading, must not exceed 4 KiB.
func (r *Redis) Dial() (net.Conn, error) {
	r.dialing.RLock()
	defer r.dialing.RUnlock()
	select {
	case <-r.quit: // or the library would start it again
		return nil, errors.New("embedded Redis: stopped")
	default:
		return r.server.Dial()
	}
}

// Addr is host:port of the Redis.
func (r *Redis) Addr() string { return r.addr }

// Done is closed when the Redis was stopped.
func (r *Redis) Done() <-chan struct{} { return r.done }

// Err is nil: a Redis in this process ends by Stop alone.
func (r *Redis) Err() error { return nil }

// Probe says whether the Redis answers; without the password it refuses.
func (r *Redis) Probe(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return fmt.Errorf("probe Redis: %w", err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
		return fmt.Errorf("probe Redis: %w", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("probe Redis: %w", err)
	}
	return nil
}

// Stop closes the Redis and its connections and forgets its keys.
func (r *Redis) Stop(ctx context.Context) error {
	r.once.Do(func() {
		r.dialing.Lock()
		defer r.dialing.Unlock()
		close(r.quit)
	})
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop Redis: %w", ctx.Err())
	}
}
