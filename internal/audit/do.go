package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
)

// Do logs that something begins, does it, and logs what came of it. What cannot be
// logged is not begun. do may return what it was done to, where the entry does not
// say it yet; outcome says what an error means.
func (t *Trail) Do(ctx context.Context, e Entry, outcome func(error) Outcome, do func() (target string, err error)) error {
	e.Outcome = Begun
	if err := t.Log(ctx, e); err != nil {
		return fmt.Errorf("nothing was done: %w", err)
	}
	target, failed := do()
	e.Target, e.Outcome = cmp.Or(target, e.Target), outcome(failed)
	if err := t.Log(context.WithoutCancel(ctx), e); err != nil {
		return errors.Join(failed, fmt.Errorf("what came of it (%s) could not be logged: %w", e.Outcome, err))
	}
	return failed
}
