// Package queue is the clock of the archive: jobs that are due now or later,
// run by a pool of workers, on asynq and Redis.
//
// It is never the truth. Redis may be away when the process starts, be
// restarted, or lose everything at any time: nothing stops, nothing here is
// needed to find out what is still to be done, and the planner brings back
// what is missing. So a job is small, may run twice, and leaves nothing behind
// when it is done. A handler's error means that the infrastructure failed, and
// the job is tried again within 30 seconds; outcomes are no errors. Where Redis lost a
// part of what it held, nothing keeps a recording back: a job without a lease is made
// free, one that is in no list gives its id back, and a wish is a job of its own.
//
// asynq was chosen because its tasks are hashes and lists that people can
// inspect with the tools they have, it does delayed tasks, leases and crash
// recovery, and it runs on an in-process Redis too. A timer wheel of our own
// would have needed leases between processes. It is imported here only.
package queue

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"fonoteka/internal/call"
)

// The queues. Nothing of normal is begun while anything of urgent waits.
const (
	urgent = "urgent"
	normal = "default"
)

// taskType is asynq's name for a Job.
const taskType = "recording"

// Job asks for one try of one recording.
type Job struct {
	Recording call.Recording `json:"recording"`
	Attempt   int            `json:"attempt"` // tries made before this one
	// Due is when the catalogue wants the try, in milliseconds; zero: as soon as it is
	// announced. A wish for a try that is made later is another job.
	Due time.Time `json:"due,omitzero"`

	// Failures is how often this very job has ended with an error; the Server's to say.
	Failures int `json:"-"`
}

// ID identifies the job among all: the same recording with another attempt is
// another job, because a finished or failed one may still hold its id, and so is one
// that is due at another time, because nobody may work on the one that has the id.
func (j Job) ID() string {
	id := j.Recording.Integration + ":" + j.Recording.ID + ":" + strconv.Itoa(j.Attempt)
	if !j.Due.IsZero() {
		id += ":" + strconv.FormatInt(j.Due.UnixMilli(), 10)
	}
	return id
}

func decode(payload []byte) (Job, error) {
	var j Job
	if err := json.Unmarshal(payload, &j); err != nil {
		return Job{}, fmt.Errorf("reading job: %w", err)
	}
	if j.Recording.ID == "" || j.Attempt < 0 {
		return Job{}, errors.New("reading job: it names no recording")
	}
	return j, nil
}

// quietRedis silences go-redis once: it reports every failed dial to the
// process's standard error, several lines a second while Redis is away. All of
// it reaches us as errors as well, and health logs the change. The library has
// no logger per client.
var quietRedis = sync.OnceFunc(func() { redis.SetLogger(&logging.VoidLogger{}) })

// CheckURL says whether a URL can be read, without asking there. Its error never
// repeats the URL, which holds a secret.
func CheckURL(raw string) error {
	_, err := parse(raw)
	return err
}

func parse(raw string) (*redis.Options, error) {
	o, err := redis.ParseURL(raw)
	if err != nil {
		// The error would show parts of the address, and so the password.
		return nil, errors.New("redis address cannot be read; it looks like redis://:PASSWORD@HOST:PORT/0, rediss://… or unix:///PATH")
	}
	return o, nil
}

// Dialer connects to a Redis in this process. The connection may have no buffer:
// what is sent in one pipeline must stay under 4 KiB.
type Dialer func(context.Context) (net.Conn, error)

// connect makes a client without dialling. Its calls fail within some seconds
// while Redis is away: whoever waits for Redis here has a clock of their own.
func connect(rawURL string, dial Dialer) (*redis.Client, error) {
	quietRedis()
	o, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = 2*time.Second, 5*time.Second, 5*time.Second
	// A worker that finds Redis away asks again at once: this is what slows it down.
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = 2, 100*time.Millisecond, time.Second
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // of a hosted Redis
	if dial != nil {
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := dial(ctx)
			if err != nil { // in words that the client knows, or it would not wait and try again
				err = &net.OpError{Op: "dial", Net: "pipe", Err: err}
			}
			return c, err
		}
	}
	return redis.NewClient(o), nil
}

func ping(ctx context.Context, r *redis.Client) error {
	if err := r.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("asking redis: %w", err)
	}
	return nil
}

func orDiscard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
