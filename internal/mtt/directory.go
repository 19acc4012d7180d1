package mtt

import (
	"context"
	"fmt"
	"strconv"
)

// ExternalNumber is a number of the customer's.
type ExternalNumber struct {
	Number string // as the operator spells it
	Type   string // its type in the PBX; "" where the operator says null
}

// Workplace is a seat at which calls arrive.
type Workplace struct {
	ID   string // SIP id
	Name string // of the person there, as in the cabinet
}

// Terminal is a telephone of a workplace.
type Terminal struct {
	ID        string // SIP id
	Workplace string // SIP id of its workplace; may be its own
}

// ExternalNumbers returns all the customer's numbers. A list that is not complete,
// by the operator's own count, is an error: missing numbers must not be taken for
// deleted ones. The same holds for the other lists.
func (c *Client) ExternalNumbers(ctx context.Context) ([]ExternalNumber, error) {
	return list(ctx, c, "externalNumbersInfo", fNumbersList, func(o object) ExternalNumber {
		return ExternalNumber{Number: o.text(fNumber), Type: o.text(fType)}
	}, func(n ExternalNumber) bool { return n.Number != "" })
}

// Workplaces returns all workplaces.
func (c *Client) Workplaces(ctx context.Context) ([]Workplace, error) {
	return list(ctx, c, "workPlacesInfo", fWorkplacesList, func(o object) Workplace {
		return Workplace{ID: o.text(fWorkplace), Name: o.text(fName)}
	}, func(w Workplace) bool { return w.ID != "" })
}

// Terminals returns all terminals with their workplaces.
func (c *Client) Terminals(ctx context.Context) ([]Terminal, error) {
	return list(ctx, c, "terminalsInfo", fTerminalsList, func(o object) Terminal {
		id := o.text(fTerminal)
		if id == "" {
			id = o.text(fTerminale) // as in the documentation's table
		}
		return Terminal{ID: id, Workplace: o.text(fWorkplace)}
	}, func(t Terminal) bool { return t.ID != "" })
}

// list reads one of the directory's lists; whole says whether an entry has its id.
func list[T any](ctx context.Context, c *Client, method string, field name, entry func(object) T, whole func(T) bool) ([]T, error) {
	result, err := c.get(ctx, method)
	if err != nil {
		return nil, err
	}
	listed := result.value(field)
	if !listed.isList() {
		return nil, fmt.Errorf("%s: the operator's answer has no list %s", method, plainNames[field])
	}
	all, bad := []T{}, false
	listed.each(func(v value) bool {
		e := entry(v.object())
		if bad = !whole(e); !bad {
			all = append(all, e)
		}
		return !bad
	})
	if bad {
		return nil, fmt.Errorf("%s: entry %d of %s has no id", method, len(all), plainNames[field])
	}
	if total, err := strconv.Atoi(result.text(fTotal)); err == nil && total > len(all) {
		return nil, fmt.Errorf("%s: the operator lists %d of %d", method, len(all), total)
	}
	return all, nil
}
