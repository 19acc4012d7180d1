package call

import "time"

// shortBy is what a recording must lack of the talk, besides a tenth of it, to be
// short. The operator's times are whole seconds.
const shortBy = 5 * time.Second

// Apart is how long after one fetch of a short recording another must have brought
// the same file to show that the operator has no other.
const Apart = time.Hour

// IsShort reports whether a recording of a leg plays for less than nine tenths of the
// leg's talk, and for at least 5 s less. What plays for no known time is not short.
func IsShort(plays, talk time.Duration) bool {
	return plays > 0 && talk-plays >= shortBy && plays < talk/10*9
}

// TalkOf is how long the leg talked that a recording of the call is of: the one leg of
// the recording's account that talked, or, where it names none, the one that did.
// false: several did, or none, or its end was not announced. Whether the call has
// other recordings is not looked at.
func (r Record) TalkOf(rec Recording) (talk time.Duration, ok bool) {
	account, legs := bare(rec.AccountID), 0
	for _, l := range r.Legs {
		if l.Talk > 0 && (account == "" || account == bare(l.AccountID)) {
			talk, ok = l.Talk, l.Finished
			legs++
		}
	}
	return talk, ok && legs == 1
}

// Judged are those of a call's rows of the catalogue that must say otherwise than they
// do whether the recording is short: the call has one recording, copies not counted, it
// is archived, and it is short of TalkOf. What has not changed is judged as before, and
// what is short stays so since when it was found first.
func (r Record) Judged(rows []RecordingStatus, now time.Time) (changed []RecordingStatus) {
	single := max(len(r.Recordings), len(rows))
	for _, row := range rows {
		if row.CopyOf != "" {
			single--
		}
	}
	for _, row := range rows {
		talk, ok := r.TalkOf(row.Recording)
		if row.CopyOf != "" || single != 1 || !ok {
			talk = 0
		}
		if judged := row.judged(talk, now); judged != row {
			changed = append(changed, judged)
		}
	}
	return changed
}

// judged is the row as the talk has it; 0: none that it could be short of.
func (s RecordingStatus) judged(talk time.Duration, now time.Time) RecordingStatus {
	talk = talk.Truncate(time.Millisecond) // as it is stored
	switch short := s.State == Archived && IsShort(s.Duration, talk); {
	case short && s.ShortTalk == 0:
		s.ShortTalk, s.ShortSince = talk, now.UTC().Truncate(time.Millisecond)
		s.NextAttemptAt = s.FetchAgainAt(now)
	case short:
		s.ShortTalk = talk
	case s.ShortTalk != 0:
		s.ShortTalk, s.ShortSince, s.ShortConfirmedAt, s.NextAttemptAt = 0, time.Time{}, time.Time{}, time.Time{}
	}
	return s
}

// Playing is the row of an archived recording with another of its files, of which file
// is the row that it would have alone: the tries and the plan stay as they are, and
// whether the recording is short is judged anew.
func (s RecordingStatus) Playing(file RecordingStatus, now time.Time) RecordingStatus {
	row := file
	row.Recording, row.Attempt, row.NextAttemptAt, row.Conflicts = s.Recording, s.Attempt, s.NextAttemptAt, s.Conflicts
	row.ShortTalk, row.ShortSince = s.ShortTalk, s.ShortSince
	if s.Lock.Until.After(row.Lock.Until) { // all files share it
		row.Lock = s.Lock
	}
	return row.judged(s.ShortTalk, now)
}

// FetchAgainAt is when a recording that is short is fetched again next, after now: an
// hour and a day after it was found to be short, and a day before the operator
// deletes it. The zero time: no more.
func (s RecordingStatus) FetchAgainAt(now time.Time) (at time.Time) {
	const day = 24 * time.Hour
	plan := []time.Time{s.ShortSince.Add(time.Hour), s.ShortSince.Add(day)}
	if !s.ExpiresAt.IsZero() {
		plan = append(plan, s.ExpiresAt.Add(-day))
	}
	for _, t := range plan {
		if t.After(now) && (s.ExpiresAt.IsZero() || t.Before(s.ExpiresAt)) {
			at = earliest(at, t)
		}
	}
	return at
}

// ShortAtOperator reports whether a recording is short, and the operator has no other.
func (s RecordingStatus) ShortAtOperator() bool { return !s.ShortConfirmedAt.IsZero() }
