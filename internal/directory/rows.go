package directory

import "time"

// Kind is what a Row is about; each is a table of its own.
type Kind string

const (
	Number    Kind = "number"    // ID: digits; Word: the operator's type
	Workplace Kind = "workplace" // ID: SIP id; Word: its name
	Terminal  Kind = "terminal"  // ID: SIP id; Word: SIP id of its workplace
	Staff     Kind = "staff"     // ID: SIP id of a workplace; Word: who sits there
	Label     Kind = "label"     // ID: digits of a number; Word: its name
)

// Row says what holds of something in the directory from a time on.
type Row struct {
	Kind        Kind
	Integration string
	ID          string
	ValidFrom   time.Time
	Word        string
	Raw         string // of a number: as the operator spells it
	Department  string // of staff
	Source      string // of staff and labels: import or config
	Gone        bool   // not of staff and labels: the operator lists it no more
}

// Seat is who an account was within a span of time.
type Seat struct {
	Integration, Account, Workplace, Name, Employee, Department string
	From, Until                                                 time.Time // 1970 and 2200 where it has no begin or end
}

// NumberName is what an external number was within a span of time.
type NumberName struct {
	Integration, Number, Type, Name string
	From, Until                     time.Time // as in Seat
}
