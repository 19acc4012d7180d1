package verify

import (
	"fmt"
	"io"
	"strings"
	"time"

	"fonoteka/internal/pack"
)

// Verdict is what a check comes to.
type Verdict string

// The verdicts.
const (
	Whole    Verdict = "whole"    // and of ours: signed by the given key
	Unproven Verdict = "unproven" // whole, and where it comes from is not proven
	Found    Verdict = "found"    // something is wrong
)

// Result of Check.
type Result struct {
	Verdict   Verdict   `json:"verdict"`
	Ours      bool      `json:"ours"` // taken for a package of Fonoteka's
	Bag       Bag       `json:"bag"`
	Package   *Package  `json:"package"` // null: another bag, or query.json cannot be read
	Signature Signature `json:"signature"`
	Stamp     *Stamp    `json:"time_stamp"` // null: none, or it is wrong
	Findings  []Finding `json:"findings"`
	Dropped   int       `json:"dropped,omitempty"` // findings beyond the limit
}

// Bag is what the bag comes to.
type Bag struct {
	Version string `json:"version"`
	Files   int    `json:"files"` // of the payload
	Bytes   int64  `json:"bytes"`
}

// Package is what the sender says of it.
type Package struct {
	Case         string      `json:"case"`
	Installation string      `json:"installation"`
	FixedAt      time.Time   `json:"fixed_at"`
	Counts       pack.Counts `json:"counts"`
}

func (c *check) verdict() *Result {
	r := c.out
	r.Findings, r.Dropped = c.f.sorted(), c.f.dropped
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	switch {
	case c.f.failed:
		r.Verdict = Found
	case r.Ours && r.Signature.State != SignedBy:
		r.Verdict = Unproven
	default:
		r.Verdict = Whole
	}
	return r
}

// Language of what is said.
type Language string

// The languages.
const (
	Russian Language = "ru"
	English Language = "en"
)

// Say writes the verdict and the findings for people.
func (r *Result) Say(w io.Writer, l Language) error {
	var b strings.Builder
	say := func(en, ru string, args ...any) {
		if l == Russian {
			en = ru
		}
		fmt.Fprintf(&b, en+"\n", args...)
	}
	switch r.Verdict {
	case Whole:
		if r.Ours {
			say("WHOLE, AND SIGNED BY THE GIVEN KEY. Nothing was altered, added or removed since it was signed.", "ПАКЕТ ЦЕЛ И ПОДПИСАН УКАЗАННЫМ КЛЮЧОМ. После подписания ничего не изменено, не добавлено и не удалено.")
			break
		}
		say("WHOLE. It is a bag of another program, and every file is what its lists say.", "ПАКЕТ ЦЕЛ. Он создан другой программой, и каждый файл соответствует спискам.")
	case Unproven:
		say("WHOLE, BUT WHERE IT COMES FROM IS NOT PROVEN. All its parts fit each other.", "ПАКЕТ ЦЕЛ, НО ЕГО ПРОИСХОЖДЕНИЕ НЕ ДОКАЗАНО. Все его части соответствуют друг другу.")
	case Found:
		n := r.errors()
		say("NOT IN ORDER: findings %d. They are listed below.", "ПАКЕТ НЕ В ПОРЯДКЕ: замечаний %d. Они перечислены ниже.", n)
	}
	r.about(say)
	r.origin(say)
	for _, f := range r.Findings {
		mark := "!"
		if f.Severity == Note {
			mark = "·"
		}
		path := f.Path
		if path != "" {
			path = fmt.Sprintf("%q: ", path)
		}
		say("  "+mark+" %[1]s%[2]s [%[4]s]", "  "+mark+" %[1]s%[3]s [%[4]s]", path, f.EN, f.RU, f.Code)
	}
	if r.Dropped > 0 {
		say("  … and %d more", "  … и ещё %d", r.Dropped)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) errors() int {
	n := r.Dropped
	for _, f := range r.Findings {
		if f.Severity == Error {
			n++
		}
	}
	return n
}

// about says what the package is.
func (r *Result) about(say func(en, ru string, args ...any)) {
	if p := r.Package; p != nil {
		c := p.Counts
		say("  Case %q: calls %d, of them unanswered %d; recordings %d. Selected %s UTC by installation %q.",
			"  Дело %q: звонков %d, из них без ответа %d; записей %d. Отобрано %s UTC, установка %q.",
			p.Case, c.Calls, c.Unanswered, c.Recordings, p.FixedAt.UTC().Format("2006-01-02 15:04"), p.Installation)
	}
	say("  Files %d, bytes %d.", "  Файлов %d, байтов %d.", r.Bag.Files, r.Bag.Bytes)
}

// origin says who signed it, and when.
func (r *Result) origin(say func(en, ru string, args ...any)) {
	s := r.Signature
	switch {
	case s.State == SignedBy && s.Rotations > 0:
		say("  Signed by a key that follows from the given one (steps %[3]d); key %[1]s, fingerprint %[2]s.", "  Подписано ключом, который следует из указанного (шагов %[3]d); ключ %[1]s, отпечаток %[2]s.", s.KeyID, s.Fingerprint, s.Rotations)
	case s.State == SignedBy:
		say("  Signed by the given key %s, fingerprint %s.", "  Подписано указанным ключом %s, отпечаток %s.", s.KeyID, s.Fingerprint)
	case s.State == SignedBySelf:
		say("  Signed by key %[1]s, which came with the package itself. Ask the sender, by another way, whether its fingerprint is\n    %[2]s\n  and check again with --fingerprint.",
			"  Подписано ключом %[1]s, который пришёл вместе с пакетом. Спросите отправителя другим путём, его ли это отпечаток:\n    %[2]s\n  и проверьте ещё раз с --fingerprint.", s.KeyID, s.Fingerprint)
	case s.State == Unsigned && r.Ours:
		say("  It is not signed: whoever changed it could have made its lists anew.", "  Пакет не подписан: тот, кто его изменил, мог заново составить и списки.")
	}
	switch t := r.Stamp; {
	case t == nil:
		if r.Ours && r.Verdict != Found {
			say("  No time stamp: when it was signed is the sender's own statement.", "  Метки времени нет: время подписания известно только со слов отправителя.")
		}
	case t.Trusted:
		say("  It existed before %s UTC: time stamp of %s, checked.", "  Пакет существовал до %s UTC: метка времени %s, проверена.", t.Time.Format("2006-01-02 15:04:05"), t.Authority)
	default:
		say("  Time stated by %[2]s: %[1]s UTC, not checked (--tsa-ca).", "  Время по словам %[2]s: %[1]s UTC, не проверено (--tsa-ca).", t.Time.Format("2006-01-02 15:04:05"), t.Authority)
	}
}
