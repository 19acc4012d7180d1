package mtt

import (
	"context"
	"fmt"
)

// Leg is what the operator knows a call's leg by: the words of that leg's newest
// notification, as they came.
type Leg struct {
	CallID      string // Call-ID, with its suffix
	Tag         string
	TransportID string
}

func (l Leg) params() map[string]any {
	return map[string]any{
		"call":        map[string]any{"id": l.CallID, "tag": l.Tag},
		"transportId": l.TransportID,
	}
}

// MakeCall rings a workplace (its SIP id, never a terminal's) and, once it is
// picked up, the number; it returns the call's id, presumably the first leg's.
// The operator may take as long as the workplace rings, a minute.
//
// Of this and the methods below: an *Error with a status below 500 means that
// nothing was done; ErrOutcomeUnknown that it may have been. Nothing is sent
// twice, but after a 401.
func (c *Client) MakeCall(ctx context.Context, workplace, number string) (callID string, err error) {
	result, err := c.post(ctx, "makeCall", map[string]any{"callerId": workplace, "calleeId": number}, c.o.RingTimeout)
	if err != nil {
		return "", err
	}
	id := result.node(fCall).text(fID)
	if id == "" {
		return "", fmt.Errorf("makeCall: %w: its answer names no call", ErrOutcomeUnknown)
	}
	return id, nil
}

// TerminateCall ends a leg; the call goes on by its standard routing. It is not
// a hang-up.
func (c *Client) TerminateCall(ctx context.Context, leg Leg) error {
	_, err := c.post(ctx, "terminateCall", leg.params(), c.o.Timeout)
	return err
}

// TransferCall leads a leg, answered or not, to callee: a number or a SIP id.
func (c *Client) TransferCall(ctx context.Context, leg Leg, callee string) error {
	params := leg.params()
	params["calleeId"] = callee // the page's table
	params["calleId"] = callee  // the page's example
	_, err := c.post(ctx, "transferCall", params, c.o.Timeout)
	return err
}

// SetParkingNumbers parks external numbers, or ends their parking: a call to a
// parked one is held for 5 s for TransferCall.
func (c *Client) SetParkingNumbers(ctx context.Context, numbers []string, parked bool) error {
	_, err := c.post(ctx, "setParkingNumbers", map[string]any{"numbers": numbers, "isParking": parked}, c.o.Timeout)
	return err
}
