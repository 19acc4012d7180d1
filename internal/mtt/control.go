package mtt

import (
	"context"
	"fmt"
)

// Leg identifies a call's leg to the operator: by the fields of that leg's newest
// notification, as received.
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
// For this and the methods below, an *Error with a status below 500 means that
// nothing was done; ErrOutcomeUnknown that it may have been. Nothing is sent
// twice, except after a 401.
func (c *Client) MakeCall(ctx context.Context, workplace, number string) (callID string, err error) {
	result, err := c.post(ctx, "makeCall", map[string]any{"callerId": workplace, "calleeId": number}, c.opts.RingTimeout)
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
	_, err := c.post(ctx, "terminateCall", leg.params(), c.opts.Timeout)
	return err
}

// TransferCall transfers a leg, answered or not, to callee: a number or a SIP id.
func (c *Client) TransferCall(ctx context.Context, leg Leg, callee string) error {
	params := leg.params()
	params["calleeId"] = callee // in the documentation's table
	params["calleId"] = callee  // in the documentation's example
	_, err := c.post(ctx, "transferCall", params, c.opts.Timeout)
	return err
}

// SetParkingNumbers parks external numbers, or ends their parking: a call to a
// parked one is held for 5 s for TransferCall.
func (c *Client) SetParkingNumbers(ctx context.Context, numbers []string, parked bool) error {
	_, err := c.post(ctx, "setParkingNumbers", map[string]any{"numbers": numbers, "isParking": parked}, c.opts.Timeout)
	return err
}
