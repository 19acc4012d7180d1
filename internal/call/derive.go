package call

import "time"

// Rules are what a derivation takes from the configuration; a rebuild under
// changed rules raises the epoch.
type Rules struct {
	AbandonAfter time.Duration // an unanswered incoming call that waited less is abandoned, else missed
	AreaCode     string        // the area code of 7-digit local numbers, "" = left unresolved
}

// Derive makes the call records of one base id out of its distinct events.
func Derive(events []Event, rules Rules) []Record { return nil }
