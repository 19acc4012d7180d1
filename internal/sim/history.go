package sim

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// HistoryOptions say what a History holds.
type HistoryOptions struct {
	Seed  uint64
	Calls int

	// From and To bound the starts of the calls, UTC, cut to the hour. The
	// calls spread over them by month, weekday, holiday and hour.
	From, To time.Time

	// RecordBase begins the links of recordings; nobody serves them. The default
	// is a host that can never exist.
	RecordBase string
}

// History is years of a company with 200 workplaces and 30 external numbers, for
// measurements at size: the calls of Sim, told some twenty times faster than
// Sim tells them and made anew each time they are asked for, as millions would
// not fit into memory. The same options give the same calls.
//
// Most clients call once; about a third of the calls to and fro meet one who is
// known already. Two of three who were missed are spoken with later, most of them
// within hours: they are called back, or call again. Their numbers begin with 70
// or 999, which nobody has.
type History struct {
	opts    HistoryOptions
	company *company
	names   []string // of company's clients, as JSON
	places  map[string]string
	days    []day
}

// day is a day of UTC with its calls.
type day struct {
	begin time.Time
	first int       // index of its first call
	calls int       //
	upTo  []float64 // weight of its hours, summed up
}

// NewHistory lays out the days.
func NewHistory(o HistoryOptions) (*History, error) {
	o.From, o.To = o.From.UTC().Truncate(time.Hour), o.To.UTC().Truncate(time.Hour)
	if o.Calls < 0 || !o.From.Before(o.To) {
		return nil, errors.New("sim: a history needs a number of calls and a span of an hour at least")
	}
	if o.RecordBase == "" {
		o.RecordBase = "https://records.seed.invalid"
	}
	h := &History{opts: o, company: largeCompany(newRand(o.Seed, streamCompany, 1)), places: map[string]string{}}
	for _, name := range clientNames {
		h.names = append(h.names, quote(name))
	}
	for _, w := range h.company.workplaces {
		h.places[w.sip] = quote(w.name)
	}
	h.layOut()
	return h, nil
}

// Days is how many days of UTC, begun ones included, the history spans.
func (h *History) Days() int { return len(h.days) }

// Date is the midnight with which a day begins.
func (h *History) Date(day int) time.Time { return h.days[day].begin }

// Day tells the calls of a day in the order of their starts, until tell returns
// an error. What tell is given is only good until it returns.
func (h *History) Day(n int, tell func(*HistoryCall) error) error {
	d := h.days[n]
	t := newTeller(h)
	t.open = h.openAt(n)
	for k, at := range d.starts(newRand(h.opts.Seed, streamClock, uint64(n)+1)) {
		if err := tell(t.call(d.first+k, at)); err != nil {
			return err
		}
	}
	return nil
}

// layOut divides the calls among the days.
func (h *History) layOut() {
	total := 0.0
	var sums []float64
	for begin := h.opts.From.Truncate(24 * time.Hour); begin.Before(h.opts.To); begin = begin.AddDate(0, 0, 1) {
		d := day{begin: begin, upTo: make([]float64, 24)}
		sum := 0.0
		for hour := range d.upTo {
			if at := begin.Add(time.Duration(hour) * time.Hour); !at.Before(h.opts.From) && at.Before(h.opts.To) {
				sum += busy(at)
			}
			d.upTo[hour] = sum
		}
		total += sum
		h.days, sums = append(h.days, d), append(sums, total)
	}
	before := 0
	for i := range h.days {
		upTo := int(math.Round(float64(h.opts.Calls) * sums[i] / total))
		h.days[i].first, h.days[i].calls = before, upTo-before
		before = upTo
	}
}

// starts are whole seconds, in order.
func (d day) starts(r *rand.Rand) []time.Time {
	at := make([]float64, d.calls)
	for i := range at {
		at[i] = r.Float64() * d.upTo[23]
	}
	sort.Float64s(at)
	out := make([]time.Time, len(at))
	hour := 0
	for i, x := range at {
		for x > d.upTo[hour] && hour < 23 {
			hour++
		}
		since := 0.0
		if hour > 0 {
			since = d.upTo[hour-1]
		}
		part := (x - since) / (d.upTo[hour] - since)
		out[i] = d.begin.Add(time.Duration(hour)*time.Hour + time.Duration(part*3599)*time.Second)
	}
	return out
}

// busy is how many calls an hour brings, in proportion: by the office's clock,
// quieter at weekends, on holidays and in summer, and a little more each year.
func busy(at time.Time) float64 {
	byHour := [24]float64{.3, .2, .1, .1, .1, .2, .5, 1, 4, 9, 12, 12, 10, 9, 11, 11, 10, 8, 5, 3, 2, 1, .6, .4}
	at = at.In(office)
	n := byHour[at.Hour()]
	if day := at.Weekday(); day == time.Saturday || day == time.Sunday || holiday(at) {
		n *= .12
	}
	switch at.Month() {
	case time.July, time.August:
		n *= .85
	case time.December:
		n *= 1.15
	}
	return n * (1 + .2*float64(at.Year()-2024+int(at.Month())/12))
}

// holiday is one that lies on the same days each year.
func holiday(at time.Time) bool {
	switch at.Month() {
	case time.January:
		return at.Day() <= 8
	case time.February:
		return at.Day() == 23
	case time.March:
		return at.Day() == 8
	case time.May:
		return at.Day() == 1 || at.Day() == 9
	case time.June:
		return at.Day() == 12
	case time.November:
		return at.Day() == 4
	}
	return false
}

// largeCompany has no clients: a History numbers them.
func largeCompany(r *rand.Rand) *company {
	c := &company{centrex: "67821426", externals: append([]string(nil), externalNumbers...)}
	for i := len(c.externals); i < 30; i++ {
		c.externals = append(c.externals, fmt.Sprintf("7495000%04d", 1000+7*i))
	}
	for i := range 200 {
		w := workplace{
			sip:       fmt.Sprintf("8831407%04d%04d", 1000+i, r.IntN(10000)),
			name:      historyName(i),
			extension: fmt.Sprint(1001 + i),
		}
		w.terminals = append(w.terminals, w.sip)
		for t := 1; t < []int{1, 1, 1, 2, 1, 3}[i%6]; t++ {
			w.terminals = append(w.terminals, fmt.Sprintf("8831407%04d%04d", 5000+i*3+t, r.IntN(10000)))
		}
		c.workplaces = append(c.workplaces, w)
	}
	return c
}

// historyName is an employee's, made up.
func historyName(i int) string {
	if i < len(workplaceNames) {
		return workplaceNames[i]
	}
	given := []string{"Анна", "Мария", "Елена", "Ольга", "Дарья", "Ирина", "Наталья", "Юлия", "Татьяна", "Светлана"}
	family := []string{
		"Речная", "Полевая", "Лесная", "Горная", "Снежная", "Ясная", "Морская", "Зимняя", "Вольная", "Тихая",
		"Звонкая", "Летняя", "Степная", "Садовая", "Озёрная", "Луговая", "Северная", "Южная", "Славная", "Мирная",
	}
	return given[i%10] + " " + family[i/10%20]
}
