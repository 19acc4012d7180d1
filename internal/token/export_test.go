package token

import (
	"context"
	"slices"
)

// Once does what Run does at its start, and each time it wakes.
func (k *Keeper) Once(ctx context.Context) { k.renewDue(ctx) }

// Described are the outcomes that the page in a language tells of whole.
func Described(lang string) (outcomes []string) {
	l := languageOf(lang)
	for outcome, d := range l.Outcomes {
		if l.Lang == lang && d.Title != "" && d.Text != "" && (d.Do != "") == (outcome != LoginDone) {
			outcomes = append(outcomes, outcome)
		}
	}
	slices.Sort(outcomes)
	return outcomes
}
