package directory

import (
	"context"
	"time"
)

// Past is what the warehouse keeps of the directory's history.
type Past interface {
	Directory(ctx context.Context, integration string, at time.Time) ([]Row, error)
	Seats(ctx context.Context) ([]Seat, error)
	NumberNames(ctx context.Context) ([]NumberName, error)
}

// ListedWorkplace is a workplace as it was at some time.
type ListedWorkplace struct {
	Integration, ID, Name, Employee, Department string

	Terminals []string  // their SIP ids
	Since     time.Time // zero: as far back as is known
	Gone      bool      // the operator lists it no more
}

// ListedNumber is an external number as it was at some time.
type ListedNumber struct {
	Integration, Number, Type, Name string

	Since time.Time // zero: as far back as is known
	Gone  bool      // the operator lists it no more
}

// At is the directory as it was at a time, of one integration or of all (""). The
// lists say who is gone, the timelines who sat where.
func At(ctx context.Context, past Past, integration string, at time.Time) (workplaces []ListedWorkplace, numbers []ListedNumber, err error) {
	rows, err := past.Directory(ctx, integration, at)
	if err != nil {
		return nil, nil, err
	}
	type listed struct{ integration, kind, id string }
	gone, terminal := map[listed]bool{}, map[listed]bool{}
	for _, r := range rows {
		gone[listed{r.Integration, string(r.Kind), r.ID}] = r.Gone
		terminal[listed{r.Integration, string(r.Kind), r.ID}] = r.Kind == Terminal
	}
	within := func(of string, from, until time.Time) bool {
		return (integration == "" || of == integration) && !at.Before(from) && !at.After(until)
	}
	seats, err := past.Seats(ctx)
	if err != nil {
		return nil, nil, err
	}
	terminals := map[listed][]string{} // by their workplace
	for _, s := range seats {
		if !within(s.Integration, s.From, s.Until) {
			continue
		}
		if s.Account == s.Workplace {
			workplaces = append(workplaces, ListedWorkplace{
				Integration: s.Integration, ID: s.Workplace, Name: s.Name, Employee: s.Employee, Department: s.Department,
				Since: since(s.From), Gone: gone[listed{s.Integration, string(Workplace), s.Workplace}],
			})
		}
		if is := (listed{s.Integration, string(Terminal), s.Account}); terminal[is] && !gone[is] {
			of := listed{s.Integration, "", s.Workplace}
			terminals[of] = append(terminals[of], s.Account)
		}
	}
	for i, w := range workplaces {
		workplaces[i].Terminals = terminals[listed{w.Integration, "", w.ID}]
	}
	names, err := past.NumberNames(ctx)
	for _, n := range names {
		if within(n.Integration, n.From, n.Until) {
			numbers = append(numbers, ListedNumber{
				Integration: n.Integration, Number: n.Number, Type: n.Type, Name: n.Name,
				Since: since(n.From), Gone: gone[listed{n.Integration, string(Number), n.Number}],
			})
		}
	}
	return workplaces, numbers, err
}

// since is zero for the beginning of a timeline.
func since(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}
