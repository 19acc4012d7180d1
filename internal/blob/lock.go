package blob

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"

	"fonoteka/internal/bounded"
)

// Errors of Object Lock.
var (
	ErrHeld     = errors.New("it is under legal hold")
	ErrRetained = errors.New("its retention has not run out")
	// ErrNoLock says that the bucket was made without Object Lock, so that no object in it
	// can have a retention or a hold.
	ErrNoLock = errors.New("the bucket has no object lock")
)

// Lock is what keeps an object, or one version of it, from being deleted.
type Lock struct {
	Mode  Mode      // NoRetention: none was set
	Until time.Time // UTC; zero: none was set
	Held  bool      // by a legal hold, which lasts until it is lifted
}

// Forbids is ErrHeld, ErrRetained, or nil if the object may be deleted now.
func (l Lock) Forbids(now time.Time) error {
	switch {
	case l.Held:
		return ErrHeld
	case l.Mode != NoRetention && now.Before(l.Until):
		return fmt.Errorf("%w: %s until %s", ErrRetained, l.Mode, l.Until.Format(time.RFC3339))
	}
	return nil
}

// Covers reports whether l protects an object at least as strictly and as long as want.
// Holds are not compared.
func (l Lock) Covers(want Lock) bool {
	return want.Mode == NoRetention || l.Mode.strictness() >= want.Mode.strictness() && !l.Until.Before(want.Until)
}

// with is the stricter mode and the later end of two locks.
func (l Lock) with(other Lock) Lock {
	if other.Mode.strictness() > l.Mode.strictness() {
		l.Mode = other.Mode
	}
	if other.Until.After(l.Until) {
		l.Until = other.Until
	}
	return l
}

// strictness orders the modes.
func (m Mode) strictness() int { return slices.Index([]Mode{NoRetention, Governance, Compliance}, m) }

// Lockable reports whether the bucket has Object Lock. A bucket never loses it.
func (b *Bucket) Lockable(ctx context.Context) (bool, error) {
	if b.lockable.Load() {
		return true, nil
	}
	defer b.m.observe("lockable", time.Now())
	state, _, _, _, err := b.client.GetObjectLockConfig(ctx, b.where.Bucket)
	if err != nil && !lacksLock(err) {
		return false, b.m.failed("lockable", b.wrap("asking for object lock of bucket", b.where.Bucket, err))
	}
	have := err == nil && state == "Enabled"
	if have {
		b.lockable.Store(true)
	}
	return have, nil
}

// lacksLock recognizes a server's answers that there is no lock, or that it does not
// support locks.
func lacksLock(err error) bool {
	resp := minio.ToErrorResponse(err)
	switch resp.Code {
	case "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NotImplemented":
		return true
	}
	return resp.StatusCode == http.StatusNotImplemented
}

// Lock returns the lock of an object; version "" is the newest. In a bucket without
// Object Lock it is the zero value. ErrNotFound: there is no such object, or it is a
// delete marker.
func (b *Bucket) Lock(ctx context.Context, key, version string) (Lock, error) {
	have, err := b.Lockable(ctx)
	if err != nil || !have {
		return Lock{}, err
	}
	defer b.m.observe("lock", time.Now())
	var retention struct {
		Mode            Mode
		RetainUntilDate time.Time
	}
	var hold struct{ Status string }
	for what, into := range map[string]any{"retention": &retention, "legal-hold": &hold} {
		err := b.ask(ctx, key, version, what, into)
		if err != nil && !lacksLock(err) {
			return Lock{}, b.m.failed("lock", b.wrap("reading the "+what+" of", key, err))
		}
	}
	return Lock{Mode: retention.Mode, Until: retention.RetainUntilDate.UTC(), Held: hold.Status == "ON"}, nil
}

// ask reads one of an object's settings, whatever the name of the answer's root
// element: that of the embedded store is not the one the client
// library expects. The request is signed in its URL, which no error shows.
func (b *Bucket) ask(ctx context.Context, key, version, what string, into any) error {
	query := url.Values{what: {""}}
	if version != "" {
		query.Set("versionId", version)
	}
	signed, err := b.client.Presign(ctx, http.MethodGet, b.where.Bucket, key, time.Minute, query)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, signed.String(), nil)
	if err != nil {
		return errors.New("the request cannot be made")
	}
	resp, err := b.http.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := bounded.Read(resp.Body, 1<<20)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusOK {
		return xml.Unmarshal(body, into)
	}
	var answer minio.ErrorResponse
	if xml.Unmarshal(body, &answer) != nil || answer.Code == "" {
		answer.Code = http.StatusText(resp.StatusCode)
	}
	answer.StatusCode = resp.StatusCode
	if resp.StatusCode == http.StatusMethodNotAllowed { // a delete marker has no lock
		answer.Code = "NoSuchKey"
	}
	return answer
}

// LockAnew makes sure that the newest version of an object is locked at least as strictly
// and as long as want says; a stricter or longer lock stays. It reports
// whether something was missing. Where want has expired it does nothing. ErrNotFound:
// there is no such object. ErrNoLock: the bucket has no Object Lock, and may not be
// changed.
func (b *Bucket) LockAnew(ctx context.Context, key string, want Lock) (missed bool, err error) {
	if want.Mode == NoRetention || !time.Now().Before(want.Until) {
		return false, nil
	}
	have, err := b.Lock(ctx, key, "")
	if err != nil || have.Covers(want) {
		return false, err
	}
	if err := b.makeLockable(ctx); err != nil {
		return true, fmt.Errorf("locking %s: %w", key, err)
	}
	defer b.m.observe("relock", time.Now())
	want = want.with(have)
	mode, until := minio.RetentionMode(want.Mode), want.Until.UTC()
	if err := b.client.PutObjectRetention(ctx, b.where.Bucket, key, minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until}); err != nil {
		return true, b.m.failed("relock", b.wrap("locking", key, err))
	}
	return true, nil
}

// SetHold sets a legal hold on a version of an object, or lifts it; version ""
// is the newest. When it returns nil the store has confirmed it. ErrNoLock:
// the bucket has no Object Lock.
func (b *Bucket) SetHold(ctx context.Context, key, version string, on bool) error {
	have, err := b.Lockable(ctx)
	if err == nil && !have {
		err = fmt.Errorf("legal hold on %s: %w", key, ErrNoLock)
	}
	if err != nil {
		return err
	}
	defer b.m.observe("hold", time.Now())
	status := minio.LegalHoldDisabled
	if on {
		status = minio.LegalHoldEnabled
	}
	err = b.client.PutObjectLegalHold(ctx, b.where.Bucket, key, minio.PutObjectLegalHoldOptions{VersionID: version, Status: &status})
	if err != nil {
		return b.m.failed("hold", b.wrap("legal hold on", key, err))
	}
	return nil
}
