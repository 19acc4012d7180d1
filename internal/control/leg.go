package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fonoteka/internal/call"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse/calls"
)

// Leg finds a leg by its Call-ID, or the one that goes on of a call, and takes
// what the operator knows it by from its newest notification, as it came.
func (c *Control) Leg(ctx context.Context, said string) (mtt.Leg, error) {
	e, err := c.o.Store.NewestEvent(ctx, c.o.Integration, said, c.o.Decode)
	if errors.Is(err, calls.ErrNoLeg) {
		var id string
		if id, err = c.goingOn(ctx, said); err != nil {
			return mtt.Leg{}, err
		}
		e, err = c.o.Store.NewestEvent(ctx, c.o.Integration, id, c.o.Decode)
	}
	switch {
	case err != nil:
		return mtt.Leg{}, err
	case e.State == call.Finished:
		return mtt.Leg{}, fmt.Errorf("the leg %s is over", e.PlatformID)
	}
	return mtt.Leg{CallID: e.PlatformID, Tag: e.Tag, TransportID: e.TransportID}, nil
}

// goingOn is the Call-ID of the only leg of a call that is not over.
func (c *Control) goingOn(ctx context.Context, said string) (string, error) {
	found, err := c.o.Store.ShowCall(ctx, said, noRecordings)
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(d calls.Detail) bool { return d.Record.Integration != c.o.Integration })
	var ids, told []string
	for _, d := range found {
		for _, l := range d.Record.Legs {
			if !l.Finished {
				ids = append(ids, l.PlatformID)
				told = append(told, fmt.Sprintf("  %s  %s %s, %s", l.PlatformID, l.Kind, cmp.Or(l.AccountID, "-"), map[bool]string{true: "talks", false: "rings"}[l.Answered]))
			}
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("there is no leg and no call %s", said)
	case len(ids) == 0:
		return "", fmt.Errorf("the call %s is over", said)
	case len(ids) > 1:
		return "", fmt.Errorf("%s legs of the call go on; name one:\n%s", strconv.Itoa(len(ids)), strings.Join(told, "\n"))
	}
	return ids[0], nil
}

// noRecordings spares ShowCall the reading of a call's recordings.
func noRecordings(context.Context, call.Record) ([]call.RecordingStatus, error) { return nil, nil }
