package archive

import "fonoteka/internal/fetch"

// Outcome is how a job ended: one of those below, or the kind of the failure that is in
// the catalogue now. Its text is its label in the metrics.
type Outcome string

// The outcomes without a failure of the operator's.
const (
	Stored   Outcome = "archived" // fetched and stored
	Finished Outcome = "finished" // it was stored already
	Stale    Outcome = "stale"    // there was nothing to do
	Same     Outcome = "same"     // fetched again, as it was short: a file that is stored
	Another  Outcome = "another"  // likewise: another file, which is stored beside
	Again    Outcome = "again"    // our infrastructure failed: the same job is run again
)

// failedWith is the outcome of a job whose failure is in the catalogue.
func failedWith(k fetch.Kind) Outcome { return Outcome(k) }

// outcomes lists all, so that each has its metric from the start.
func outcomes() []Outcome {
	all := []Outcome{Stored, Finished, Stale, Same, Another, Again}
	for _, k := range kinds() {
		all = append(all, failedWith(k))
	}
	return all
}
