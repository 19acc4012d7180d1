package rollup

import "time"

// Rolled is the state of one rollup on one day (UTC).
type Rolled struct {
	Name        string
	Day         Day
	Fingerprint uint64
	Version     uint64
}

// Span is what is rolled up together: whole days (UTC) of one month.
type Span struct {
	From, To Day    // the first day, and the one after the last
	Version  uint64 // of the rows, higher than that of any row before

	CallbackDays int // how long before, and after, a call may concern a missed one
	RepeatHours  int // how long before a call one of the same client makes it a repeated one
}

// ReportSettings are what the reports of one integration go by.
type ReportSettings struct {
	Integration  string
	Zone         *time.Location   // nil: UTC
	WorkFrom     [7]time.Duration // Monday first: since midnight, whole minutes
	WorkTo       [7]time.Duration // likewise, at most 24 h; 0: no work that day
	ShortDay     time.Duration    // that a shortened day is shorter
	ServiceLevel time.Duration    // whole seconds
	CallbackDays int              // 1 to 31
	RepeatHours  int              // 1 to 168
}

// ReportBasis is what goes into the rollups beside the calls.
type ReportBasis struct {
	Settings    []Dated        // fingerprints of report_settings
	Calendar    map[Day]string // kinds of days
	OwnCalls    map[Day]uint64 // fingerprints of the calls that we made ourselves, by day (UTC)
	Workplaces  uint64         // fingerprint of which terminal stands at which workplace, as the dictionary has it
	Departments uint64         // and of which workplace belongs to which department
}

// Dated is a fingerprint of what holds since a time.
type Dated struct {
	Since       time.Time
	Fingerprint uint64
}
