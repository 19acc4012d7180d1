package dashboard

// Variable is a choice at the top of a dashboard. One with SQL lists what the
// query answers – values, or values and names; one with Options lists these; any
// other takes text. Lists take several values and have "all" as the first choice.
type Variable struct {
	Name    string
	Title   Text
	About   Text
	SQL     string
	Options []Saying
	Hidden  bool // nobody chooses it, so that the page's address must not either
	Single  bool // SQL: one value, no "all"
	Private bool // kept out of the page's address
}
