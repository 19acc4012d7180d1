package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"fonoteka/internal/doctor"
	"fonoteka/internal/spool"
	"fonoteka/internal/words"
)

func printDamage(w io.Writer, reports []spool.Report) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "No spool of this installation was found damaged.")
		return err
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		what := "put aside"
		if r.InUse {
			what = "in use; damage was first met"
		}
		fmt.Fprintf(w, "%s  %s %s\n", r.Folder, what, words.Clock(r.Since))
		rows := [][]string{{"  why", orDash(r.Why)}}
		for _, line := range damageFacts(r) {
			rows = append(rows, []string{"  " + line[0], line[1]})
		}
		for _, row := range rows {
			for n, line := range wrapText(row[1]) {
				if n > 0 {
					row[0] = ""
				}
				fmt.Fprintf(w, "%-14s%s\n", row[0], line)
			}
		}
	}
	return nil
}

// damageFacts are what is known of a damaged spool, each with its title.
func damageFacts(r spool.Report) (facts [][2]string) {
	if f := r.Found; f != nil {
		facts = append(facts, [2]string{"held", doctor.Held(f)})
		for _, name := range slices.Sorted(maps.Keys(f.Readers)) {
			facts = append(facts, [2]string{name, reading(f.Readers[name])})
		}
		for i, fault := range f.Faults {
			if i == 3 {
				facts = append(facts, [2]string{"unreadable", fmt.Sprintf("and %d more places", f.FaultCount-i)})
				break
			}
			facts = append(facts, [2]string{"unreadable", fmt.Sprintf("%s: %s (%s bytes)", fault.File, fault.Why, words.Grouped(int(fault.Bytes)))})
		}
	}
	return append(facts, [2]string{"state", doctor.DamageState(r)})
}

// reading says how far a reader is.
func reading(r spool.Reader) string {
	if r.Owed+r.Missing == 0 {
		return "all had been relayed before"
	}
	s := fmt.Sprintf("%s from number %d on were still to be relayed", words.Grouped(int(r.Owed+r.Missing)), r.From)
	switch {
	case r.Done != nil:
		s += fmt.Sprintf("; %s were, until %s", words.Grouped(int(r.Relayed)), words.Clock(*r.Done))
	default:
		s += fmt.Sprintf("; %s of them are being relayed", words.Grouped(int(r.Owed)))
	}
	if r.Missing > 0 {
		s += fmt.Sprintf("; %s cannot be read: at most as many are lost", words.Grouped(int(r.Missing)))
	}
	return s
}
