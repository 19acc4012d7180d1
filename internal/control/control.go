// Package control asks the operator to do something to calls: to make one, to
// transfer or drop a leg, to hold the calls to a number (parking).
//
// All of it follows one protocol: the audit has that it begins, the warehouse has the
// action, the operator is asked, the warehouse has what came of it, the audit has it.
// The warehouse must be there before the operator is asked: a call that nobody noted
// would be taken for a client's. What came of it is noted also for who leaves before
// the operator has answered, and an answer that was lost is an outcome of its own:
// nothing here asks twice.
//
// The audit holds no number of a client: its kind and its length only.
package control

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
	"fonoteka/internal/directory"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/directories"
)

// Operator is what is asked of the operator, for one integration.
type Operator interface {
	MakeCall(ctx context.Context, workplace, number string) (callID string, err error)
	TransferCall(ctx context.Context, leg mtt.Leg, callee string) error
	TerminateCall(ctx context.Context, leg mtt.Leg) error
	SetParkingNumbers(ctx context.Context, numbers []string, parked bool) error
}

// Store is what is kept of actions, and known of calls.
type Store interface {
	SaveAction(ctx context.Context, a correlate.Action, outcome string) error
	NewestEvent(ctx context.Context, integration, platformLegID string, decode func(integration string, body []byte, received time.Time) (call.Event, error)) (call.Event, error)
	ShowCall(ctx context.Context, id string, recordings func(context.Context, call.Record) ([]call.RecordingStatus, error)) ([]calls.Detail, error)
}

// Numbers is what is known of the operator's numbers.
type Numbers interface {
	Directory(ctx context.Context, integration string, at time.Time) ([]directory.Row, error)
	SaveParking(ctx context.Context, rows []directories.ParkingRow) error
}

// Options of a Control. All but AreaCode are required.
type Options struct {
	Integration string
	Operator    Operator
	Store       Store
	Numbers     Numbers
	Trail       *audit.Trail
	Actor       string // who asks, for the audit
	Decode      func(integration string, body []byte, received time.Time) (call.Event, error)
	AreaCode    string // of local numbers
}

// Control acts on the calls of one integration, for one person.
type Control struct{ o Options }

// New makes a Control.
func New(o Options) (*Control, error) {
	if o.Integration == "" || o.Operator == nil || o.Store == nil || o.Numbers == nil || o.Trail == nil || o.Actor == "" || o.Decode == nil {
		return nil, errors.New("control: integration, operator, store, numbers, trail, actor and decode are required")
	}
	return &Control{o}, nil
}

// Number reads whom to call: a phone number or a SIP id.
func (c *Control) Number(said string) (call.Number, error) {
	n := call.ParseNumber(said, c.o.AreaCode)
	if n.Hidden() {
		return n, errors.New("what was given is neither a phone number nor a SIP id")
	}
	return n, nil
}

// Make rings a workplace, by its SIP id, and once it is picked up calls a number. It
// returns the operator's id of the call, if the operator said one, also with an error.
func (c *Control) Make(ctx context.Context, workplace string, number call.Number) (id string, err error) {
	a := correlate.Action{Kind: correlate.Make, AccountID: workplace, Number: number.Digits}
	err = c.act(ctx, a, workplace+" → "+kindOf(number), func() (_ string, err error) {
		id, err = c.o.Operator.MakeCall(ctx, workplace, dialled(number))
		return id, err
	})
	return id, err
}

// Transfer leads a leg to a number or a workplace.
func (c *Control) Transfer(ctx context.Context, leg mtt.Leg, to call.Number) error {
	a := correlate.Action{Kind: correlate.Transfer, Number: to.Digits, PlatformCallID: leg.CallID}
	return c.act(ctx, a, "leg "+leg.CallID+" → "+kindOf(to), func() (string, error) {
		return "", c.o.Operator.TransferCall(ctx, leg, dialled(to))
	})
}

// Drop ends a leg; the call may go on.
func (c *Control) Drop(ctx context.Context, leg mtt.Leg) error {
	return c.act(ctx, correlate.Action{Kind: correlate.DropLeg, PlatformCallID: leg.CallID}, "leg "+leg.CallID, func() (string, error) {
		return "", c.o.Operator.TerminateCall(ctx, leg)
	})
}

// act asks the operator, between a note in the audit and in the warehouse that it is
// asked, and another of what came of it.
func (c *Control) act(ctx context.Context, a correlate.Action, target string, ask func() (callID string, err error)) error {
	a.Integration, a.ID, a.At = c.o.Integration, strings.ToLower(rand.Text()), time.Now().UTC()
	entry := audit.Entry{Actor: c.o.Actor, Action: "call." + string(a.Kind), Integration: a.Integration, Target: target, Detail: "action " + a.ID}
	return c.o.Trail.Do(ctx, entry, Outcome, func() (string, error) {
		if err := c.o.Store.SaveAction(ctx, a, string(audit.Begun)); err != nil {
			return "", fmt.Errorf("nothing was done: %w", err)
		}
		id, failed := ask()
		a.PlatformCallID = cmp.Or(id, a.PlatformCallID)
		// Also for who leaves before the operator has answered.
		if err := c.o.Store.SaveAction(context.WithoutCancel(ctx), a, string(Outcome(failed))); err != nil {
			return "", errors.Join(failed, fmt.Errorf("what came of it (%s) could not be noted: %w", Outcome(failed), err))
		}
		if id != "" {
			target += ", call " + id
		}
		return target, failed
	})
}

// Outcome says what an error means for what the operator was asked to do.
func Outcome(err error) audit.Outcome {
	answer, answered := errors.AsType[*mtt.Error](err)
	switch {
	case err == nil:
		return audit.Done
	case errors.Is(err, mtt.ErrOutcomeUnknown):
		return audit.Unknown
	case answered && answer.Status < 500:
		return audit.Refused
	}
	return audit.Failed
}

// dialled is a number as a person wrote it, digits only: the operator's own
// example dials with 8, and whether it takes 7 is not said.
func dialled(n call.Number) string {
	raw, _, _ := strings.Cut(strings.TrimPrefix(n.Raw, "sip:"), "@")
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, raw)
}

// kindOf says of a number what the audit may hold: what kind it is and its length.
// A SIP id names a workplace of the company.
func kindOf(n call.Number) string {
	switch {
	case n.Hidden():
		return "hidden number"
	case call.IsSIPID(n.Digits):
		return n.Digits
	}
	return fmt.Sprintf("number of %d digits", len(n.Digits))
}
