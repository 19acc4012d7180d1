package mtt

import (
	"strconv"
	"testing"
	"time"
)

func TestWhatDeniesAnAnswer(t *testing.T) {
	t.Parallel()
	const long = 25 * time.Second
	for _, c := range []struct {
		reason, code string
		lasted       time.Duration
		want         bool
	}{
		{"No answer", "480", long, true},
		{"NO_ANSWER", "", long, true},
		{"  User  Busy ", "", long, true},
		{"Вызов отклонён", "", long, true},
		{"", "400", long, true},
		{"", "699", long, true},
		{"", "399", long, false},
		{"", "700", long, false},
		{"", "200", long, false},
		{"", "16", long, false},
		{"", "17", long, true},
		{"", "017", long, true},
		{"", "17.0", long, true},
		{"", "4", long, false},
		{"", "23", long, false},
		{"", "31", long, false},
		{"", "USER_BUSY", long, true},
		{"", "31", 0, true},
		{"", "480 Temporarily Unavailable", long, true},
		{"", "SIP;cause=486;text=\"Busy here\"", long, true},
		{"", "SIP/2.0 603 Decline", long, true},
		{"", "Q.850;cause=16;text=\"Normal\"", long, false},
		{"Q.850;cause=21", "", long, true},
		{"486", "", long, true},
		{"486 Busy Here", "", long, true},
		{"3 of us talked", "", long, false},
		{"", "4800", long, false},
		{"", "-17", long, false},
		{"Answer leg disconnected", "", long, false},
		{"Originate leg disconnected", "", long, false},
		{"No answer from the bank was expected", "", long, false},
		{"normal clearing", "16", 0, false},
		{"", "", 0, false},
	} {
		if got := unanswered(c.reason, c.code, c.lasted); got != c.want {
			t.Errorf("reason %q, code %q after %v: unanswered %v", c.reason, c.code, c.lasted, got)
		}
	}
}

// Codes that deny an answer, all of them, as numbers and as text.
func TestCodesThatDenyAnAnswer(t *testing.T) {
	t.Parallel()
	denied := 0
	for n := range 1000 {
		for _, value := range []string{strconv.Itoa(n), `"` + strconv.Itoa(n) + `"`} {
			body := `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"a"},"state":"finished","duration":25,"reasonCode":` + value + `}}}`
			e, err := Decode([]byte(body), Context{ReceivedAt: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			if e.Unanswered {
				denied++
			}
		}
	}
	if want := 2 * (300 + 15); denied != want {
		t.Errorf("%d of them deny an answer, want %d", denied, want)
	}
}
