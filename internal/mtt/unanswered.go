package mtt

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// unanswered says whether the reason of a leg's end implies that it was not answered: by a
// text or a code, each in either field, which may be a SIP status or a Q.850
// cause. The operator documents neither; its examples have a null code and the
// two texts of an answered leg. A value that is not known here implies nothing.
func unanswered(reason, code string, lasted time.Duration) bool {
	for _, value := range [...]string{reason, code} {
		if value == "" {
			continue
		}
		text := strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(value), "_", " ")), " ")
		if unansweredTexts[text] || unansweredByCode(value, lasted) {
			return true
		}
	}
	return false
}

// unansweredByCode is unanswered for a code. Q.850 31 (normal, unspecified) also ends
// answered calls: only a leg that lasted no time at all was not answered.
func unansweredByCode(text string, lasted time.Duration) bool {
	n := codeOf(text)
	switch {
	case n == 31:
		return lasted == 0
	case n >= 400:
		return n <= 699
	}
	return unansweredCauses[n]
}

// codes matches the ways to write a code: alone, before its text, or as in a SIP Reason
// header (RFC 3326). A small number before a text is not taken for a code.
var codes = regexp.MustCompile(`(?i)^(?:0*(\d{1,3})(?:\.0+)?|([4-6]\d\d)[ ;:,-].*|(?:sip|q\.?850)\b(?:/2\.0)?\W*(?:cause\W*)?(\d{1,3})\b.*|cause\W*(\d{1,3})\b.*)$`)

// codeOf is the code that a text is or begins with; 0 where it is none.
func codeOf(text string) int {
	if !strings.ContainsAny(text, "0123456789") { // the usual case
		return 0
	}
	for i, group := range codes.FindStringSubmatch(strings.TrimSpace(text)) {
		if i > 0 && group != "" {
			n, _ := strconv.Atoi(group) // three digits at most
			return n
		}
	}
	return 0
}

// unansweredCauses are the causes of Q.850 that mean "not answered".
var unansweredCauses = func() map[int]bool {
	m := map[int]bool{}
	for _, n := range []int{1, 2, 3, 17, 18, 19, 20, 21, 22, 27, 28, 34, 38, 41, 42} {
		m[n] = true
	}
	return m
}()

// unansweredTexts are the texts that mean "not answered", in lower case and with spaces for
// underscores: plain words, the phrases of SIP (RFC 3261), the names of the causes above in
// Q.850 and in FreeSWITCH.
var unansweredTexts = func() map[string]bool {
	m := map[string]bool{}
	for line := range strings.Lines(`
		busy
		user busy
		busy here
		busy everywhere
		line busy
		no answer
		no-answer
		noanswer
		not answered
		unanswered
		no response
		no reply
		no answer from user
		no answer from user (user alerted)
		user alerting, no answer
		no user responding
		no user response
		cancel
		cancelled
		canceled
		cancelled by caller
		canceled by caller
		call cancelled
		call canceled
		originator cancel
		lose race
		answered elsewhere
		call completed elsewhere
		request cancelled
		request canceled
		request terminated
		request timeout
		request timed out
		progress timeout
		reject
		rejected
		call rejected
		decline
		declined
		refused
		unavailable
		user unavailable
		not available
		temporarily unavailable
		temporarily not available
		subscriber absent
		user not registered
		not registered
		not reachable
		unreachable
		switched off
		no route to destination
		no route destination
		no route to specified transit network
		no route transit net
		unallocated number
		unallocated (unassigned) number
		unassigned number
		number changed
		invalid number format
		invalid number format (address incomplete)
		destination out of order
		no circuit/channel available
		normal circuit congestion
		congestion
		network out of order
		temporary failure
		normal temporary failure
		switching equipment congestion
		switch congestion
		bad request
		unauthorized
		payment required
		forbidden
		not found
		method not allowed
		not acceptable
		not acceptable here
		proxy authentication required
		gone
		call/transaction does not exist
		call does not exist
		loop detected
		too many hops
		address incomplete
		ambiguous
		request pending
		undecipherable
		server internal error
		internal server error
		not implemented
		bad gateway
		service unavailable
		server time-out
		server timeout
		does not exist anywhere
		занято
		абонент занят
		номер занят
		нет ответа
		не ответил
		не отвечает
		абонент не отвечает
		абонент не ответил
		отменён
		отменен
		вызов отменён
		вызов отменен
		отклонён
		отклонен
		вызов отклонён
		вызов отклонен
		недоступен
		абонент недоступен
		номер недоступен
	`) {
		if s := strings.TrimSpace(line); s != "" {
			m[s] = true
		}
	}
	return m
}()
