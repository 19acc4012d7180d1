package embedded

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"fonoteka/internal/run"
)

// Store names one of a Stack's stores, also as a metric's label.
type Store string

// The stores of a Stack.
const (
	StoreClickHouse Store = "clickhouse"
	StoreS3         Store = "s3"
	StoreRedis      Store = "redis"
)

// StackOptions says which stores to run; nil means: not this one.
type StackOptions struct {
	ClickHouse *ClickHouseOptions
	S3         *S3Options
	Redis      *RedisOptions

	// Library returns the path of ClickHouse's engine, which it may have to download. It is
	// called before each start where ClickHouse.Library is empty.
	Library func(context.Context) (string, error)

	// Take is called before each start of a store that has files, and returns when no other
	// process uses them; default: no other does.
	Take func(context.Context, Store) error

	Probe      ProbeOptions
	Log        *slog.Logger          // nil: discarded; also of stores without one
	Registerer prometheus.Registerer // nil: none
}

// Stack runs the stores of one machine: each starts on its own, is started again
// on the same port and data if it does not start, dies, or does not answer (see
// ProbeOptions), after 0.2 s at first and 10 s at most, and is stopped with the
// others. No failure ends the Stack: the users of the stores retry anyway, and
// notifications are received meanwhile.
type Stack struct {
	opts     StackOptions
	stores   []*keeper // in the order of stopping
	redis    atomic.Pointer[Redis]
	restarts *prometheus.CounterVec
	probes   *prometheus.CounterVec
	failures *prometheus.CounterVec
	up       *prometheus.GaugeVec
	confined *prometheus.GaugeVec
}

// keeper keeps one store running.
type keeper struct {
	name  Store
	addr  string
	start func(context.Context) (running, error)
	log   *slog.Logger

	first sync.Once
	ready chan struct{} // closed when the store has been up once

	mu       sync.Mutex
	failures int   // starts in a row that failed
	last     error // why
}

// running is a started store.
type running interface {
	Done() <-chan struct{}
	Stop(context.Context) error
	Err() error
	// Probe connects to every port, and waits for an answer where one is given
	// without an account.
	Probe(context.Context) error
}

// NewStack prepares the stores: their options are checked and their ports
// chosen, so that their addresses are known before they are up.
func NewStack(opts StackOptions) (*Stack, error) {
	opts.Log = run.Log(opts.Log)
	f := promauto.With(opts.Registerer)
	opts.Probe.setDefaults()
	if opts.Take == nil {
		opts.Take = func(context.Context, Store) error { return nil }
	}
	s := &Stack{
		opts: opts,
		restarts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_embedded_restarts_total", Help: "Embedded stores that were started again, by what was wrong with them: died, not_listening or not_answering.",
		}, []string{"store", "reason"}),
		probes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_embedded_probes_total", Help: "Probes of embedded stores, by the result: answered, refused or silent.",
		}, []string{"store", "result"}),
		failures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fonoteka_embedded_start_failures_total", Help: "Starts of embedded stores that failed.",
		}, []string{"store"}),
		up: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fonoteka_embedded_up", Help: "Whether the embedded store is up and listens: 1 or 0.",
		}, []string{"store"}),
		confined: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fonoteka_embedded_confined", Help: "Whether the kernel keeps the embedded store to its folder: 1 or 0.",
		}, []string{"store"}),
	}
	if err := errors.Join(s.addRedis(), s.addS3(), s.addClickHouse()); err != nil {
		return nil, err
	}
	for _, k := range s.stores {
		for _, reason := range []string{died, notListening, notAnswering} {
			s.restarts.WithLabelValues(string(k.name), reason) // so that the first one is an increase
		}
		for _, result := range []string{answered, refused, silent} {
			s.probes.WithLabelValues(string(k.name), result)
		}
		s.failures.WithLabelValues(string(k.name))
		s.up.WithLabelValues(string(k.name))
	}
	return s, nil
}

func (s *Stack) add(name Store, addr string, start func(context.Context) (running, error)) {
	s.stores = append(s.stores, &keeper{
		name: name, addr: addr, start: start,
		log: s.opts.Log.With("store", string(name)), ready: make(chan struct{}),
	})
}

func (s *Stack) addRedis() error {
	if s.opts.Redis == nil {
		return nil
	}
	o := *s.opts.Redis
	if err := errors.Join(o.validate(), choosePorts(&o.Port)); err != nil {
		return err
	}
	s.add(StoreRedis, address(o.Port), func(context.Context) (running, error) {
		r, err := StartRedis(o)
		if err == nil {
			s.redis.Store(r)
		}
		return r, err
	})
	return nil
}

// DialRedis connects to the Redis of this stack from within the process; see Redis.Dial.
func (s *Stack) DialRedis(context.Context) (net.Conn, error) {
	r := s.redis.Load()
	if r == nil {
		return nil, errors.New("embedded Redis: not up")
	}
	return r.Dial()
}

func (s *Stack) addS3() error {
	if s.opts.S3 == nil {
		return nil
	}
	o := *s.opts.S3
	if o.Log == nil {
		o.Log = s.opts.Log
	}
	if err := errors.Join(o.validate(), choosePorts(&o.Port)); err != nil {
		return err
	}
	s.setConfined(StoreS3, o.Landlock)
	s.add(StoreS3, address(o.Port), func(ctx context.Context) (running, error) {
		if err := s.opts.Take(ctx, StoreS3); err != nil {
			return nil, err
		}
		return StartS3(ctx, o)
	})
	return nil
}

func (s *Stack) addClickHouse() error {
	if s.opts.ClickHouse == nil {
		return nil
	}
	o := *s.opts.ClickHouse
	if o.Log == nil {
		o.Log = s.opts.Log
	}
	find := s.opts.Library
	if o.Library != "" || find == nil {
		library := o.Library
		find = func(context.Context) (string, error) { return library, nil } //nolint:unparam // as Library
	} else {
		o.Library = "to be found"
	}
	if err := errors.Join(o.validate(), choosePorts(&o.NativePort, &o.HTTPPort)); err != nil {
		return err
	}
	s.opts.ClickHouse = &o
	s.setConfined(StoreClickHouse, o.Landlock)
	s.add(StoreClickHouse, address(o.NativePort), func(ctx context.Context) (running, error) {
		o := o
		if err := s.opts.Take(ctx, StoreClickHouse); err != nil {
			return nil, err
		}
		var err error
		if o.Library, err = find(ctx); err != nil {
			return nil, err
		}
		return StartClickHouse(ctx, o)
	})
	return nil
}

// setConfined sets the metric of a store that is a process.
func (s *Stack) setConfined(name Store, pretended int) {
	confined := 0.0
	if _, err := confinement(pretended); err == nil {
		confined = 1
	}
	s.confined.WithLabelValues(string(name)).Set(confined)
}

// Run keeps the stores running until ctx ends, and returns when all are
// stopped: Redis, then S3, then ClickHouse. Their users must have stopped before.
func (s *Stack) Run(ctx context.Context) error {
	type worker struct {
		cancel context.CancelFunc
		done   chan struct{}
	}
	var all []worker
	for _, k := range s.stores {
		// Not a child of ctx: the stores are stopped one after the other.
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.keep(ctx, k)
		}()
		all = append(all, worker{cancel, done})
	}
	<-ctx.Done()
	for _, w := range all {
		w.cancel()
		<-w.done
	}
	return nil
}

// The pauses between a failure and the next start.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 10 * time.Second
	// stableAfter is how long a store must have been up for the pauses to begin again with
	// the first.
	stableAfter = time.Minute
)

// keep starts a store, and again when it has ended, until ctx ends.
func (s *Stack) keep(ctx context.Context, k *keeper) {
	backoff := run.Backoff{First: firstPause, Max: lastPause}
	for pause := backoff.Next(); ; pause = backoff.Next() {
		began := time.Now()
		r, err := k.start(ctx)
		k.note(err)
		if ctx.Err() == nil && err != nil {
			s.failures.WithLabelValues(string(k.name)).Inc()
			k.log.Error("embedded store does not start, retrying", "err", err, "retry_in", pause)
		}
		if err == nil {
			k.log.Info("embedded store is up", "addr", k.addr, "took", time.Since(began))
			s.set(k, true)
			began = time.Now()
			reason, err := s.watch(ctx, k, r)
			s.set(k, false)
			k.end(ctx, r, reason)
			if ctx.Err() != nil {
				return
			}
			s.restarts.WithLabelValues(string(k.name), reason).Inc()
			if time.Since(began) > stableAfter {
				backoff.Reset()
				pause = backoff.Next()
			}
			k.log.Error("embedded store failed, starting it again", "reason", reason, "err", err, "retry_in", pause)
		}
		if run.Sleep(ctx, pause); ctx.Err() != nil {
			return
		}
	}
}

func (s *Stack) set(k *keeper, up bool) {
	if up {
		k.first.Do(func() { close(k.ready) })
		s.up.WithLabelValues(string(k.name)).Set(1)
		return
	}
	s.up.WithLabelValues(string(k.name)).Set(0)
}

func (k *keeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last = err; err == nil {
		k.failures = 0
		return
	}
	k.failures++
}

// Failures tells how many starts of a store have failed in a row, and why the last did.
func (s *Stack) Failures(name Store) (n int, last error) {
	k := s.find(name)
	if k == nil {
		return 0, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failures, k.last
}

func (s *Stack) find(name Store) *keeper {
	for _, k := range s.stores {
		if k.name == name {
			return k
		}
	}
	return nil
}

// Ready is closed once the store has been up for the first time; it is nil,
// which blocks forever, for a store that this Stack does not run.
func (s *Stack) Ready(name Store) <-chan struct{} {
	if k := s.find(name); k != nil {
		return k.ready
	}
	return nil
}
