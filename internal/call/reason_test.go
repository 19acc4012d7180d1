package call_test

import (
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

// Each sentence that a row can have, with the code that stands for it.
func TestAReasonIsWrittenFromCodesAndWhatBelongsToThem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	rec := call.Recording{AnnouncedAt: at.AddDate(0, 0, -200), ExpiresAt: at.AddDate(0, 0, -100)}
	failed := func(state call.RecordingState, f call.Failure) call.RecordingStatus {
		f.Host = "records.mtt.ru"
		return call.RecordingStatus{Recording: rec, State: state, Attempt: 4, Failure: f}
	}
	notFound := failed(call.Missing, call.Failure{Code: call.CodeNotFound, HTTPStatus: 404})
	notFound.DeniedAt = at.Add(90 * time.Second)
	givenUp := notFound
	givenUp.State, givenUp.GivenUpAt = call.Expired, at.Add(48*time.Hour)
	since := givenUp
	since.DeniedAt = time.Time{}
	kept := failed(call.Quarantined, call.Failure{Code: call.CodeIncomplete, GotBytes: 2000})
	kept.KeptAttempt = 4
	earlier := failed(call.Quarantined, call.Failure{Code: call.CodeServerError, HTTPStatus: 503})
	earlier.KeptAttempt = 3
	lost := givenUp
	lost.State, lost.KeptAttempt = call.Quarantined, 3
	wished := lost
	wished.NextAttemptAt = at
	archived := func(change func(*call.RecordingStatus)) call.RecordingStatus {
		s := call.RecordingStatus{Recording: rec, State: call.Archived, SHA256: strings.Repeat("ab", 32), Size: 12, Duration: 1152 * time.Millisecond}
		change(&s)
		return s
	}
	fault := func(kind call.FaultKind, part call.Part) call.RecordingStatus {
		return archived(func(s *call.RecordingStatus) {
			s.Fault = call.Fault{Kind: kind, Part: part, At: at, LastGood: at.AddDate(0, 0, -1), SHA256: strings.Repeat("cd", 32), Size: 9}
		})
	}
	for _, c := range []struct {
		row    call.RecordingStatus
		code   call.Code
		reason string
	}{
		{call.RecordingStatus{State: call.Announced}, "", ""},
		{archived(func(*call.RecordingStatus) {}), "", ""},
		{call.RecordingStatus{State: call.Erased}, "", ""},
		{notFound, call.CodeNotFound, "the operator's server records.mtt.ru answered 404 Not Found; it may still be preparing the file. Its time has long run out: asked once more at 2026-03-03 10:01 UTC"},
		{givenUp, call.CodeNotFound, "the operator's server records.mtt.ru answered 404 Not Found; it may still be preparing the file. It went on saying so after 2025-12-06, when the file's time had long run out: given up"},
		{since, call.CodeNotFound, "Given up before, and tried again since. The last try: the operator's server records.mtt.ru answered 404 Not Found; it may still be preparing the file"},
		{kept, call.CodeIncomplete, "the file from the operator's server records.mtt.ru ends before its end (2000 bytes). What came is kept in quarantine, and the file is tried again"},
		{earlier, call.CodeServerError, "Damaged audio of an earlier try is kept in quarantine. The last try: the operator's server records.mtt.ru answered 503 Service Unavailable instead of the file"},
		{lost, call.CodeNotFound, "Damaged audio of an earlier try is kept in quarantine. The last try: the operator's server records.mtt.ru answered 404 Not Found; it may still be preparing the file. It went on saying so after 2025-12-06, when the file's time had long run out: given up"},
		{wished, call.CodeNotFound, "Damaged audio of an earlier try is kept in quarantine. The last try: the operator's server records.mtt.ru answered 404 Not Found; it may still be preparing the file. It went on saying so after 2025-12-06, when the file's time had long run out: given up"},
		{fault(call.Altered, call.RecordingPart), call.CodeAltered, "altered: the stored file is not the archived one, 9 bytes with sha256 cdcdcdcdcdcd instead of 12 with abababababab (noticed on 2026-03-02 10:00, last known good on 2026-03-01 10:00)"},
		{fault(call.Absent, call.RecordingPart), call.CodeAbsent, "absent: the file is no longer in the store (noticed on 2026-03-02 10:00, last known good on 2026-03-01 10:00)"},
		{fault(call.Unreadable, call.RecordingPart), call.CodeUnreadable, "unreadable: the store does not give the file back (noticed on 2026-03-02 10:00, last known good on 2026-03-01 10:00)"},
		{fault(call.Altered, call.SidecarPart), call.CodeSidecarAltered, "altered: the document beside the recording says something else than was archived, the recording itself is whole (noticed on 2026-03-02 10:00, last known good on 2026-03-01 10:00)"},
		{fault(call.Absent, call.SidecarPart), call.CodeSidecarAbsent, "absent: the document beside the recording cannot be read, the recording itself is whole (noticed on 2026-03-02 10:00, last known good on 2026-03-01 10:00)"},
		{fault(call.Unreadable, call.SidecarPart), call.CodeSidecarUnreadable, "unreadable: the document beside the recording cannot be read, the recording itself is whole (noticed on 2026-03-02 10:00, last known good on 2026-03-01 10:00)"},
		{archived(func(s *call.RecordingStatus) {
			s.Former = call.Former{Key: "recordings/x.mp3", Fault: call.Altered, At: at}
			s.Conflicts, s.Unmeasured, s.MismatchedTalk, s.Note = 2, true, time.Minute, "of old"
		}), call.CodeKeptBeside, "kept beside: the object before (recordings/x.mp3) was found altered on 2026-03-02, this is a copy with the archived digest; " +
			"conflict: the operator's server gave different files for this recording; the longest is the recording, 2 more kept beside it; " +
			"the operator's server did not say how long the file is, so that only its own frames show that it is whole; " +
			"the recording plays for 1s, its call's talk took 1m0s as known when it was archived; of old"},
		{archived(func(s *call.RecordingStatus) { s.Conflicts = 1 }), call.CodeConflict, "conflict: the operator's server gave different files for this recording; the longest is the recording, 1 more kept beside it"},
		{archived(func(s *call.RecordingStatus) { s.MismatchedTalk = time.Minute }), call.CodeTalkMismatch, "the recording plays for 1s, its call's talk took 1m0s as known when it was archived"},
		{archived(func(s *call.RecordingStatus) { s.ShortTalk, s.NextAttemptAt = time.Minute, at }), call.CodeShort, "short: it plays for 1.2s, and its talk took 1m0s; it is fetched again at 2026-03-02 10:00 UTC"},
		{archived(func(s *call.RecordingStatus) { s.ShortTalk = time.Minute }), call.CodeShort, "short: it plays for 1.2s, and its talk took 1m0s; while its link lived the operator's server gave no longer file"},
		{archived(func(s *call.RecordingStatus) { s.ShortTalk, s.ShortConfirmedAt = time.Minute, at }), call.CodeShortAtOperator, "short at the operator: it plays for 1.2s, and its talk took 1m0s; the operator's server gave the same file again on 2026-03-02 10:00"},
		{failed(call.Retrying, call.Failure{Code: "of_a_later_version"}), "of_a_later_version", "the last try failed (of_a_later_version)"},
	} {
		if got := c.row.Reason(); got != c.reason || c.row.Code() != c.code {
			t.Errorf("%s: %s\nwant %s: %s", c.row.Code(), got, c.code, c.reason)
		}
	}
}

// Every code is said in both languages, each in words of its own, and every code of
// a failure in a sentence.
func TestEveryCodeHasItsWords(t *testing.T) {
	t.Parallel()
	said := map[string]call.Code{}
	archived := false
	for _, w := range call.Codes() {
		archived = archived || w.Code == call.CodeAltered // those of what is archived begin
		for lang, text := range map[string]string{"ru": w.RU, "en": w.EN, "code": string(w.Code)} {
			if text == "" || said[lang+text] != "" || (lang == "ru") != strings.ContainsAny(text, "абвгдеёжзийклмнопрстуфхцчшщъыьэюя") {
				t.Errorf("%s in %s: %q, as %q has it", w.Code, lang, text, said[lang+text])
			}
			said[lang+text] = w.Code
		}
		sentence := call.Failure{Code: w.Code, Host: "records.mtt.ru", HTTPStatus: 500, GotBytes: 1, WantBytes: 2, OwnFailures: 3}.Sentence()
		if unknown := strings.Contains(sentence, string("("+w.Code+")")); unknown != archived {
			t.Errorf("%s: %q", w.Code, sentence)
		}
		if w.Code.Words() != w {
			t.Errorf("%s is not found", w.Code)
		}
	}
	if later := call.Code("later").Words(); later.RU != "later" || later.EN != "later" {
		t.Errorf("a code of a later version: %+v", later)
	}
}

// Bytes that were altered without a change of their number are not "5 instead of 5".
func TestAnAlteredFileOfTheSameLengthIsToldApart(t *testing.T) {
	t.Parallel()
	f := call.Fault{Kind: call.Altered, Part: call.RecordingPart, SHA256: strings.Repeat("b", 64), Size: 168120}
	for size, want := range map[int64]string{168120: "168120 bytes as before, but with sha256 ", 168121: "168120 bytes with sha256 "} {
		if got := f.Sentence(strings.Repeat("a", 64), size); !strings.Contains(got, want) || strings.Contains(got, "instead of 168120 ") {
			t.Errorf("%d: %s", size, got)
		}
	}
}
