package call

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Reason says in an English sentence what there is to explain about a recording:
// why it is not in the archive, or what is odd about one that is; "" where there is
// nothing. It is stored beside the fields that it is written from, for whoever asks
// in SQL, and is never read back.
func (s RecordingStatus) Reason() string {
	if s.State.Rank() >= Archived.Rank() {
		return strings.Join(s.remarks(), "; ")
	}
	why := s.Failure.Sentence()
	switch {
	case why == "":
		return s.Note
	case s.DeniedAt.IsZero():
	case s.GivenUpAt.IsZero():
		why += ". Its time has long run out: asked once more at " + minuteOf(s.AskAgainAt()) + " UTC"
	default:
		why += fmt.Sprintf(". It went on saying so after %s, when the file's time had long run out: given up", dateOf(End(s.AnnouncedAt, s.ExpiresAt)))
	}
	switch {
	case s.State == Expired && s.DeniedAt.IsZero():
		return "Given up before, and tried again since. The last try: " + why
	case s.State == Quarantined && s.KeptAttempt == s.Attempt:
		return why + ". What came is kept in quarantine, and the file is tried again"
	case s.State == Quarantined:
		return "Damaged audio of an earlier try is kept in quarantine. The last try: " + why
	}
	return why
}

// Code is the first of what Reason says, in a word; "" where it says nothing, or
// words of form 1 alone of what is not archived.
func (s RecordingStatus) Code() Code {
	switch {
	case s.State.Rank() < Archived.Rank():
		return s.Failure.Code
	case s.Fault.Kind != "":
		return s.Fault.code()
	case s.ShortTalk != 0 && s.ShortAtOperator():
		return CodeShortAtOperator
	case s.ShortTalk != 0:
		return CodeShort
	case s.Former.Key != "":
		return CodeKeptBeside
	case s.Conflicts > 0:
		return CodeConflict
	case s.Unmeasured:
		return CodeUnmeasured
	case s.Proxied:
		return CodeProxied
	case s.TextBefore != 0:
		return CodeTextBefore
	case s.MismatchedTalk != 0:
		return CodeTalkMismatch
	case s.CopyOf != "":
		return CodeCopy
	case s.Note != "":
		return CodeNoted
	}
	return ""
}

// remarks are what is odd about an archived recording, in the order of Code.
func (s RecordingStatus) remarks() (all []string) {
	if s.Fault.Kind != "" {
		all = append(all, s.Fault.Sentence(s.SHA256, s.Size))
	}
	if s.ShortTalk != 0 {
		all = append(all, s.short())
	}
	if f := s.Former; f.Key != "" {
		all = append(all, fmt.Sprintf("kept beside: the object before (%s) was found %s on %s, this is a copy with the archived digest", f.Key, f.Fault, dateOf(f.At)))
	}
	if s.Conflicts > 0 {
		all = append(all, fmt.Sprintf("conflict: the operator's server gave different files for this recording; the longest is the recording, %d more kept beside it", s.Conflicts))
	}
	if s.Unmeasured {
		all = append(all, "the operator's server did not say how long the file is, so that only its own frames show that it is whole")
	}
	if s.Proxied {
		all = append(all, "changed by a proxy: what answered for the operator's server (203) says that it has changed the file on its way")
	}
	if s.TextBefore != 0 {
		all = append(all, fmt.Sprintf("text before the audio: %d bytes, as of a server's warning, which most programs do not play over", s.TextBefore))
	}
	if s.MismatchedTalk != 0 {
		all = append(all, fmt.Sprintf("the recording plays for %s, its call's talk took %s as known when it was archived", s.Duration.Round(time.Second), s.MismatchedTalk.Round(time.Second)))
	}
	if s.CopyOf != "" {
		all = append(all, "copy: the link of "+s.CopyOf+", which was announced before for the same call, brought the same file; they count once")
	}
	if s.Note != "" {
		all = append(all, s.Note)
	}
	return all
}

// short says what there is to say of a recording that is short.
func (s RecordingStatus) short() string {
	is := fmt.Sprintf("it plays for %s, and its talk took %s", s.Duration.Round(time.Second/10), s.ShortTalk.Round(time.Second/10))
	switch {
	case s.ShortAtOperator():
		return "short at the operator: " + is + "; the operator's server gave the same file again on " + minuteOf(s.ShortConfirmedAt)
	case s.NextAttemptAt.IsZero():
		return "short: " + is + "; while its link lived the operator's server gave no longer file"
	}
	return "short: " + is + "; it is fetched again at " + minuteOf(s.NextAttemptAt) + " UTC"
}

// Sentence says what a check found wrong with a recording that was archived with
// that digest and size.
func (f Fault) Sentence(sha256 string, size int64) string {
	since := "noticed on " + minuteOf(f.At)
	if !f.LastGood.IsZero() {
		since += ", last known good on " + minuteOf(f.LastGood)
	}
	const beside = "the document beside the recording"
	switch {
	case f.Part == SidecarPart && f.Kind == Altered:
		return "altered: " + beside + " says something else than was archived, the recording itself is whole (" + since + ")"
	case f.Part == SidecarPart:
		return string(f.Kind) + ": " + beside + " cannot be read, the recording itself is whole (" + since + ")"
	case f.Part == BesidePart:
		return string(f.Kind) + ": another file, kept beside the recording, is not what was stored, the recording itself is whole (" + since + ")"
	case f.Kind == Altered && f.Size == size:
		return fmt.Sprintf("altered: the stored file is not the archived one, %d bytes as before, but with sha256 %s instead of %s (%s)",
			size, short(f.SHA256), short(sha256), since)
	case f.Kind == Altered:
		return fmt.Sprintf("altered: the stored file is not the archived one, %d bytes with sha256 %s instead of %d with %s (%s)",
			f.Size, short(f.SHA256), size, short(sha256), since)
	case f.Kind == Absent:
		return "absent: the file is no longer in the store (" + since + ")"
	}
	return "unreadable: the store does not give the file back (" + since + ")"
}

func (f Fault) code() Code {
	switch f.Part {
	case SidecarPart:
		return "sidecar_" + Code(f.Kind)
	case BesidePart:
		return "beside_" + Code(f.Kind)
	}
	return Code(f.Kind)
}

// Sentence says what a try met, without a link and without personal data; "" of
// the zero Failure.
func (f Failure) Sentence() string {
	server := "the operator's server " + f.Host
	switch f.Code {
	case "":
		return ""
	case CodeUnknownName:
		return "the name of " + server + " is not known"
	case CodeLookupFailed:
		return "the name of " + server + " could not be looked up"
	case CodeBadCertificate:
		return "the certificate of " + server + " is not valid for it"
	case CodePlainOnly:
		return server + " does not answer https, and the link is plain http: add http://" + f.Host + " to --record-hosts to fetch from it without encryption"
	case CodeNoConnection:
		return "no connection to " + server
	case CodeConnection:
		return server + " refused the connection"
	case CodeNoAnswer:
		return server + " did not answer in time"
	case CodeRedirectNowhere:
		return server + " redirects to nowhere"
	case CodeRedirectLoop:
		return server + " redirects in circles"
	case CodeOwnFailure:
		return fmt.Sprintf("Fonoteka itself failed on this recording %d times, while it archived others; its log tells why", f.OwnFailures)
	}
	for _, say := range []func(string) string{f.answer, f.transfer, f.content, f.policy} {
		if s := say(server); s != "" {
			return s
		}
	}
	return "the last try failed (" + string(f.Code) + ")" // a code of a later version
}

// answer is about a status other than 200.
func (f Failure) answer(server string) string {
	answered := fmt.Sprintf("%s answered %d %s", server, f.HTTPStatus, http.StatusText(f.HTTPStatus))
	switch f.Code {
	case CodeNotFound:
		return answered + "; it may still be preparing the file"
	case CodeTooEarly:
		return answered + ": it is still preparing the file"
	case CodeGone:
		return answered + ": it no longer has the file"
	case CodeLoginRequired:
		return answered + ": it wants a login that we do not have or that has run out"
	case CodeLoginUnavailable:
		return server + " wants a login, and none is to be had"
	case CodeServerError, CodeUnexpectedAnswer:
		return answered + " instead of the file"
	}
	return ""
}

// transfer is about bytes that did not come, or too many.
func (f Failure) transfer(server string) string {
	switch f.Code {
	case CodeStalled:
		return fmt.Sprintf("%s stopped sending after %d bytes", server, f.GotBytes)
	case CodeTooSlow:
		return fmt.Sprintf("%s sends too slowly: %d bytes so far", server, f.GotBytes)
	case CodeCut:
		if f.WantBytes > 0 {
			return fmt.Sprintf("the transfer from %s broke off after %d of %d bytes", server, f.GotBytes, f.WantBytes)
		}
		return fmt.Sprintf("the transfer from %s broke off after %d bytes", server, f.GotBytes)
	case CodeOverlong:
		return fmt.Sprintf("%s sent %d bytes of a file of %d", server, f.GotBytes, f.WantBytes)
	case CodeWrongPart:
		return server + " did not send the part of the file that it was asked for"
	case CodeTooLarge:
		return fmt.Sprintf("the file on %s is larger than the configured limit of %d MiB", server, f.WantBytes>>20)
	}
	return ""
}

// mp3 is the format of most recordings, which is not said.
const mp3 = "mp3"

// content is about what came.
func (f Failure) content(server string) string {
	var what string
	file := "the file from " + server
	if f.Format != "" && f.Format != mp3 {
		file = "the " + f.Format + " file from " + server
	}
	switch f.Code {
	case CodeIncomplete:
		return fmt.Sprintf("%s ends before its end (%d bytes)", file, f.GotBytes)
	case CodeDamaged:
		return file + " is damaged: there is something else amid the audio"
	case CodeUnverifiable:
		return file + " is audio, of which nothing here can tell whether it is whole: its format or codec is not known, or neither it nor the server says how long it is"
	case CodeEmpty:
		what = "an empty file"
	case CodeHTML:
		what = "a web page"
	case CodeJSON:
		what = "a JSON message"
	case CodeCompressed:
		what = "a compressed file"
	case CodeNotAudio:
		what = "something else"
	default:
		return ""
	}
	return server + " sent " + what + " instead of audio; it may still be preparing the file"
}

// policy is about what our own rules refuse.
func (f Failure) policy(string) string {
	switch f.Code {
	case CodeBadLink:
		return "the link cannot be read as an address on the web"
	case CodeLinkWithUser:
		return "the link carries a user name, which a recording's link never does"
	case CodeNotHTTPS:
		return "the link to " + f.Host + " is not an https one"
	case CodeRefusedHost:
		return "the host " + f.Host + " is not in the list of allowed record hosts"
	case CodeRefusedAddress:
		return "the address " + f.Host + " is not in the list of allowed record hosts"
	case CodeRefusedPort:
		host, port, _ := strings.Cut(f.Host, ":")
		return "the host " + host + " is in the list of allowed record hosts, its port " + port + " is not: add " + f.Host + " to --record-hosts to allow it"
	case CodePrivateAddress:
		return "the name " + f.Host + " leads to an address that is not on the public internet"
	}
	return ""
}

func short(digest string) string { return digest[:min(len(digest), 12)] }

func minuteOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func dateOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }
