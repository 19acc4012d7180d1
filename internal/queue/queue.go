// Package queue is the clock of the archive: jobs that are due now or later,
// run by a pool of workers, on asynq and Redis.
//
// It is never the source of truth. Redis may be away when the process starts, be
// restarted, or lose everything at any time: nothing stops, nothing here is
// needed to find out what is still to be done, and the planner queues missing
// jobs again. So a job is small, may run twice, and leaves nothing behind
// when it is done. A handler's error means that the infrastructure failed, and
// the job is retried within 30 seconds; outcomes are not errors. Where Redis has lost a
// part of its data, no recording is blocked by that: a job without a lease is
// freed, a job that is in no list is removed, and a try at another time is a job of its own.
//
// asynq was chosen because its tasks are hashes and lists that people can
// inspect with the tools they have, it has delayed tasks, leases and crash
// recovery, and it runs on an in-process Redis too. A timer wheel of our own
// would have needed leases between processes. It is imported only here.
package queue

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
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
	// Due is when the catalogue has planned the try, in milliseconds; zero: as soon as it is
	// announced. A try that is planned for another time is another job.
	Due time.Time `json:"due,omitzero"`

	// Failures is how often this very job has ended with an error; set by the Server.
	Failures int `json:"-"`
}

// ID identifies the job among all: the same recording with another attempt is
// another job, because a finished or failed one may still have its id, and so is one
// that is due at another time, because the job with that id may be abandoned.
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

// quietRedis silences go-redis once: it logs every failed dial to
// standard error, several lines a second while Redis is away. We also get
// these errors, and health logs an outage once. The library has
// no logger per client.
var quietRedis = sync.OnceFunc(func() { redis.SetLogger(&logging.VoidLogger{}) })

// CheckURL says whether a URL can be parsed, without connecting. Its error never
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
// while Redis is away: the callers retry at their own pace.
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
	// asynq's workers retry at once while Redis is away: this backoff slows them down.
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = 2, 100*time.Millisecond, time.Second
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled} // of a hosted Redis
	if dial != nil {
		o.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := dial(ctx)
			if err != nil { // as an error that the client retries
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
