package correlate_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/call"
	"fonoteka/internal/correlate"
)

const (
	terminal  = "883140000000011" // of workplace
	workplace = "883140000000010"
	colleague = "883140000000020"
	client    = "79219462761"
	stranger  = "79990000001"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func seat(_, account string, _ time.Time) string {
	if account == terminal {
		return workplace
	}
	return account
}

// talk is a call at one account that begins some seconds after noon, is answered
// 8 s later and ends 40 s after that.
func talk(id uint64, after int, account, client string, forwarders ...string) correlate.Call {
	at := noon.Add(time.Duration(after) * time.Second)
	r := call.Record{
		Integration: "main", CallID: id, GroupID: id, PlatformCallID: string(rune('A' + id)), AccountID: account,
		ClientNumber: call.Number{Digits: client}, StartedAt: at, AnsweredAt: at.Add(8 * time.Second), EndedAt: at.Add(48 * time.Second),
		Legs: []call.Leg{{Kind: call.Workplace, AccountID: account, StartedAt: at, AnsweredAt: at.Add(8 * time.Second), EndedAt: at.Add(48 * time.Second), Talk: 40 * time.Second}},
	}
	return correlate.Call{Record: r, Forwarders: forwarders}
}

func making(callID string) correlate.Action {
	return correlate.Action{Integration: "main", ID: "m1", Kind: correlate.Make, At: noon, AccountID: workplace, Number: client, PlatformCallID: callID}
}

func transferring(to string) correlate.Action {
	return correlate.Action{Integration: "main", ID: "t1", Kind: correlate.Transfer, At: noon.Add(20 * time.Second), Number: to, PlatformCallID: "B~2o"}
}

func TestFind(t *testing.T) {
	t.Parallel()
	again := making("")
	again.ID, again.At = "m2", noon.Add(4*time.Second)
	elsewhere := talk(2, 9, terminal, client)
	elsewhere.Integration = "other"
	hidden := []correlate.Call{talk(1, 0, terminal, ""), talk(2, 48, colleague, "", workplace)}
	for name, c := range map[string]struct {
		calls   []correlate.Call
		actions []correlate.Action
		want    string // kind from>to confidence, …
	}{
		"the id that makeCall returned":          {[]correlate.Call{talk(1, 1, terminal, stranger)}, []correlate.Action{making("B~1o")}, "own 1>0 certain"},
		"its call has not come yet":              {[]correlate.Call{talk(2, 1, terminal, client)}, []correlate.Action{making("B~1o")}, ""},
		"no id, one call fits":                   {[]correlate.Call{talk(1, 3, terminal, client), talk(2, 3, colleague, client), talk(3, 3, terminal, stranger)}, []correlate.Action{making("")}, "own 1>0 inferred"},
		"no id, two calls fit":                   {[]correlate.Call{talk(1, 3, terminal, client), talk(2, 9, workplace, client)}, []correlate.Action{making("")}, ""},
		"no id, a call that two actions fit":     {[]correlate.Call{talk(1, 3, terminal, client)}, []correlate.Action{making(""), again}, ""},
		"no id, too late":                        {[]correlate.Call{talk(1, 11, terminal, client)}, []correlate.Action{making("")}, ""},
		"the other leg, after the answer":        {[]correlate.Call{talk(1, 20, workplace, ""), talk(2, 30, terminal, client)}, []correlate.Action{making("B")}, "own 1>0 certain, click_to_call 1>2 inferred, own 2>0 inferred"},
		"two other legs":                         {[]correlate.Call{talk(1, 0, workplace, ""), talk(2, 8, terminal, client), talk(3, 9, terminal, client)}, []correlate.Action{making("B")}, "own 1>0 certain"},
		"another integration":                    {[]correlate.Call{talk(1, 0, workplace, ""), elsewhere}, []correlate.Action{making("B")}, "own 1>0 certain"},
		"a transfer to a workplace":              {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 22, colleague, client)}, []correlate.Action{transferring(colleague)}, "transfer 1>2 inferred"},
		"a transfer to a number":                 {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 22, workplace, stranger)}, []correlate.Action{transferring(stranger)}, "transfer 1>2 inferred"},
		"a transfer, and a redial":               {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 22, colleague, client), talk(3, 25, colleague, client)}, []correlate.Action{transferring(colleague)}, ""},
		"a transfer within one call":             {[]correlate.Call{talk(1, 0, terminal, client)}, []correlate.Action{transferring(colleague)}, ""},
		"a call of the target's with another":    {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 22, colleague, stranger)}, []correlate.Action{transferring(colleague)}, ""},
		"forwarded, by the workplace":            {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 50, colleague, client, workplace)}, nil, "forwarded 1>2 inferred"},
		"forwarded, by the terminal, spelled":    {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 48, colleague, client, "an_prd77", "sip:"+terminal+"@pbx")}, nil, "forwarded 1>2 inferred"},
		"forwarded at once":                      {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 0, colleague, client, workplace)}, nil, "forwarded 1>2 inferred"},
		"a routing object is no forwarder":       {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 48, colleague, client, "an_prd77")}, nil, ""},
		"no forwarder: a redial":                 {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 48, colleague, client)}, nil, ""},
		"another client":                         {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 48, colleague, stranger, workplace)}, nil, ""},
		"hidden clients are never one":           {hidden, nil, ""},
		"too late":                               {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 52, colleague, client, workplace)}, nil, ""},
		"two that may be it":                     {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 47, colleague, client, workplace), talk(3, 49, colleague, client, workplace)}, nil, ""},
		"two that it may come from":              {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 1, workplace, client), talk(3, 49, colleague, client, workplace)}, nil, ""},
		"our transfer goes before a forwarding":  {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 22, colleague, client, workplace)}, []correlate.Action{transferring(colleague)}, "transfer 1>2 inferred"},
		"nothing to do with each other, nothing": {[]correlate.Call{talk(1, 0, terminal, client), talk(2, 3, colleague, stranger)}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 5 { // in whatever order they come
				rand.Shuffle(len(c.calls), func(i, j int) { c.calls[i], c.calls[j] = c.calls[j], c.calls[i] })
				rand.Shuffle(len(c.actions), func(i, j int) { c.actions[i], c.actions[j] = c.actions[j], c.actions[i] })
				if diff := cmp.Diff(c.want, words(correlate.Find(c.calls, c.actions, seat))); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func words(found []correlate.Link) string {
	var out []string
	for _, l := range found {
		out = append(out, string(l.Kind)+" "+string(rune('0'+l.From.CallID))+">"+string(rune('0'+l.To.CallID))+" "+string(l.Confidence))
	}
	return strings.Join(out, ", ")
}

func TestOfAReusedIdTheCallOfThatTimeIsOurs(t *testing.T) {
	t.Parallel()
	before, after := talk(1, -7*86400, terminal, client), talk(2, 7*86400, terminal, client)
	ours := talk(3, 2, terminal, client)
	before.PlatformCallID, after.PlatformCallID, ours.PlatformCallID = "X@127.0.0.1", "X@127.0.0.1", "X@127.0.0.1"
	got := words(correlate.Find([]correlate.Call{before, after, ours}, []correlate.Action{making("X@127.0.0.1")}, seat))
	if got != "own 3>0 certain" {
		t.Error(got)
	}
	if got := words(correlate.Find([]correlate.Call{before, after}, []correlate.Action{making("X@127.0.0.1")}, seat)); got != "" {
		t.Errorf("another week's call: %s", got)
	}
}
