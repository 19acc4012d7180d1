package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/directory"
	"fonoteka/internal/warehouse/directories"
)

// Park has the operator hold the calls to external numbers, or no more. It returns
// how many numbers that are. What the operator may have done is remembered: it cannot
// be asked.
func (c *Control) Park(ctx context.Context, numbers []string, parked bool) (int, error) {
	rows, err := c.external(ctx, numbers, parked)
	if err != nil {
		return 0, err
	}
	var send, told []string
	for _, r := range rows {
		send = append(send, r.Raw)
		told = append(told, kindOf(call.Number{Digits: r.Number}))
	}
	action := map[bool]string{true: "parking.set", false: "parking.clear"}[parked]
	entry := audit.Entry{Actor: c.o.Actor, Action: action, Integration: c.o.Integration, Target: strings.Join(told, ", ")}
	return len(rows), c.o.Trail.Do(ctx, entry, Outcome, func() (string, error) {
		failed := c.o.Operator.SetParkingNumbers(ctx, send, parked)
		outcome := Outcome(failed)
		if outcome != audit.Done && outcome != audit.Unknown {
			return "", failed
		}
		for i := range rows {
			rows[i].Outcome = string(outcome)
		}
		if err := c.o.Numbers.SaveParking(context.WithoutCancel(ctx), rows); err != nil {
			return "", errors.Join(failed, fmt.Errorf("the operator was told, but parking show does not know it: %w", err))
		}
		return "", failed
	})
}

// external are external numbers, spelled as the operator's own list spells them
// where it has them.
func (c *Control) external(ctx context.Context, said []string, parked bool) ([]directories.ParkingRow, error) {
	now := time.Now().UTC()
	known, err := c.o.Numbers.Directory(ctx, c.o.Integration, now)
	if err != nil {
		return nil, err
	}
	var rows []directories.ParkingRow
	listed := false
	for _, k := range known {
		listed = listed || k.Kind == directory.Number && !k.Gone
	}
	for _, s := range said {
		n, err := c.Number(s)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(known, func(k directory.Row) bool {
			return k.Kind == directory.Number && k.ID == n.Digits && !k.Gone
		})
		raw := n.Digits
		switch {
		case at >= 0:
			raw = known[at].Raw
		case listed:
			return nil, fmt.Errorf("%s is none of the external numbers of integration %s (fonoteka directory list)", n, c.o.Integration)
		}
		rows = append(rows, directories.ParkingRow{Integration: c.o.Integration, Number: n.Digits, Raw: raw, At: now, Parked: parked})
	}
	return rows, nil
}
