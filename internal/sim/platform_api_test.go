package sim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/sim"
)

// events is a listener that keeps what it is told.
type events struct {
	mu     sync.Mutex
	bodies []object
	came   chan struct{}
}

func newEvents(t *testing.T) (*events, string) {
	t.Helper()
	e := &events{came: make(chan struct{}, 1000)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var o object
		if json.Unmarshal(b, &o) == nil {
			e.mu.Lock()
			e.bodies = append(e.bodies, o)
			e.mu.Unlock()
			e.came <- struct{}{}
		}
	}))
	t.Cleanup(srv.Close)
	return e, srv.URL + "/mtt/word"
}

// infos returns the callInfo of what has come once there are n of the state.
func (e *events) infos(t *testing.T, state string, n int) []object {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		var out []object
		for _, b := range e.bodies {
			if result, ok := b["result"].(object); ok {
				if info, ok := result["callInfo"].(object); ok && field(result, info, "state") == state {
					out = append(out, info)
				}
			}
		}
		e.mu.Unlock()
		if len(out) >= n {
			return out
		}
		select {
		case <-e.came:
		case <-deadline:
			t.Fatalf("%d of %d %s came", len(out), n, state)
		}
	}
}

// call calls a method with a token; an empty body means GET.
func (c *cabinet) call(token, method, body string) (int, object) {
	c.t.Helper()
	verb := http.MethodPost
	if body == "" {
		verb = http.MethodGet
	}
	req, err := http.NewRequest(verb, c.url+method, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	status, _, answer := c.do(req)
	var o object
	if err := json.Unmarshal([]byte(answer), &o); err != nil {
		c.t.Fatalf("%v: %s", err, answer)
	}
	return status, o
}

// playing is a cabinet whose notifications are kept.
func playing(t *testing.T, speed float64, manner sim.Manner) (*cabinet, *events, *sim.Sim) {
	t.Helper()
	e, uri := newEvents(t)
	s := newSim(t, sim.Options{Seed: 5})
	return newCabinet(t, sim.PlatformOptions{Sim: s, RedirectURI: uri, Speed: speed, Manner: manner, Spelling: sim.SpellingExample}), e, s
}

// workplaces are the SIP ids that the API tells.
func (c *cabinet) workplaces() []string {
	c.t.Helper()
	_, answer := c.call(c.tokens().Access, "/workPlacesInfo", "")
	var out []string
	for _, w := range answer["result"].(object)["workplacesList"].([]any) {
		out = append(out, w.(object)["workplace"].(string))
	}
	return out
}

// succeeds calls a method that must say so.
func (c *cabinet) succeeds(token, method, body string, want float64) {
	c.t.Helper()
	status, answer := c.call(token, method, body)
	if got := answer["result"].(object)["success"]; status != http.StatusOK || got != want {
		c.t.Errorf("%s: %d %v", method, status, answer)
	}
}

func TestMethodsWantALivingToken(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{})
	token := c.tokens()
	if status, _ := c.call(token.Access, "/workPlacesInfo", ""); status != 200 {
		t.Error(status)
	}
	for _, wrong := range []string{"", "guess", token.Refresh} {
		if status, _ := c.call(wrong, "/workPlacesInfo", ""); status != 401 {
			t.Errorf("%q: %d", wrong, status)
		}
	}
	c.Advance(2 * time.Hour)
	if status, _ := c.call(token.Access, "/workPlacesInfo", ""); status != 401 {
		t.Errorf("after two hours: %d", status)
	}
	_, next := c.refresh(token.Refresh)
	if status, _ := c.call(next.Access, "/workPlacesInfo", ""); status != 200 {
		t.Errorf("refreshed: %d", status)
	}
	c.Revoke(false)
	if status, _ := c.call(next.Access, "/workPlacesInfo", ""); status != 401 {
		t.Errorf("revoked: %d", status)
	}
}

func TestAnswersAreSpelledBothWays(t *testing.T) {
	t.Parallel()
	for spelling, want := range map[sim.Spelling][]string{
		sim.SpellingExample: {"[numbersList total]", "[total workplacesList]", "[terminals_list total]", "[terminal workplace]"},
		sim.SpellingTable:   {"[numbersList total]", "[Total workplacesList]", "[Total terminalsList]", "[terminale workplace]"},
	} {
		c := newCabinet(t, sim.PlatformOptions{Spelling: spelling})
		token := c.tokens().Access
		var got []string
		for _, method := range []string{"/externalNumbersInfo", "/workPlacesInfo", "/terminalsInfo"} {
			_, answer := c.call(token, method, "")
			result := answer["result"].(object)
			got = append(got, keys(result))
			if method == "/terminalsInfo" {
				for name, list := range result {
					if name != "total" && name != "Total" {
						got = append(got, keys(list.([]any)[0].(object)))
					}
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", spelling, diff)
		}
	}
}

func keys(o object) string {
	var out []string
	for k := range o {
		out = append(out, k)
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

func TestMakeCallRingsTheWorkplaceThenTheNumber(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 200, sim.Manner{})
	id, err := c.Make(c.workplaces()[0], "8 (900) 000-01-00")
	if err != nil {
		t.Fatal(err)
	}
	e.infos(t, "recorded", 1)
	connected := e.infos(t, "connected", 2)
	first, second := connected[0]["call"].(object)["id"], connected[1]["call"].(object)["id"]
	if first != id || second == id {
		t.Errorf("%s was promised; connected are %s and %s", id, first, second)
	}
	for _, info := range connected {
		if caller := info["caller"].(object); info["type"] != "outgoing" || caller["accountId"] != c.workplaces()[0] || caller["centrexId"] == nil {
			t.Errorf("%v", info)
		}
	}
	c.Finish()
	l := s.Ledger()
	if len(l.Calls) != 2 {
		t.Fatalf("%+v", l.Calls)
	}
	a, b := l.Calls[0], l.Calls[1]
	if a.PlatformCallID != id || !a.Complete || !b.Complete || a.Kind != sim.MadeWorkplace || b.Kind != sim.MadeNumber ||
		b.TalkMillis != 20_000 || a.TalkMillis != 26_000 || a.ClientNumber != "79000000100" || b.ClientNumber != "79000000100" ||
		b.StartedAt.Sub(a.StartedAt) != 3*time.Second || len(a.Recordings) != 0 || len(b.Recordings) != 1 || !b.Recordings[0].Announced {
		t.Errorf("%+v\n%+v", a, b)
	}
	status, _, body := c.get(strings.TrimPrefix(b.Recordings[0].URL, "http://127.0.0.1:8081"))
	if status != 200 || int64(len(body)) != b.Recordings[0].Size {
		t.Errorf("the recording: %d, %d bytes", status, len(body))
	}
}

func TestNobodyPicksUpWithinAMinute(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 1000, sim.Manner{PickUp: -1})
	if _, err := c.Make(c.workplaces()[0], "79000000100"); err != nil {
		t.Fatal(err)
	}
	e.infos(t, "finished", 1)
	c.Finish()
	if l := s.Ledger(); len(l.Calls) != 1 || l.Calls[0].Answered || l.Calls[0].WaitedMillis != 60_000 {
		t.Errorf("%+v", l.Calls)
	}
}

func TestMakeCallWantsAWorkplaceAndANumber(t *testing.T) {
	t.Parallel()
	c := newCabinet(t, sim.PlatformOptions{})
	token := c.tokens().Access
	for body, want := range map[string]int{
		`{"params":{"callerId":"` + c.workplaces()[0] + `","calleeId":"12"}}`: 200,
		`{"params":{"callerId":"883140000000000","calleeId":"79000000100"}}`:  200,
		`{"callerId":"883140000000000"}`:                                      400,
		`{`:                                                                   400,
	} {
		status, answer := c.call(token, "/makeCall", body)
		if status != want {
			t.Errorf("%s: %d", body, status)
		}
		if want == 200 && answer["result"].(object)["success"] != 0.0 {
			t.Errorf("%s: %v", body, answer)
		}
	}
}

// legOf are the params that name a leg, verbatim from a notification.
func legOf(info object, more string) string {
	b, _ := json.Marshal(object{"id": info["call"].(object)["id"], "tag": info["call"].(object)["tag"]})
	return fmt.Sprintf(`{"params":{"call":%s,"transportId":%q%s}}`, b, info["transportId"], more)
}

func TestAParkedCallIsTransferredWithinItsFiveSeconds(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 5, sim.Manner{Talk: 5 * time.Second})
	token, number := c.tokens().Access, "78005560251"
	_, answer := c.call(token, "/setParkingNumbers", `{"params":{"numbers":["88005560251"],"isParking":true}}`)
	if diff := cmp.Diff(object{"success": 1.0}, answer); diff != "" {
		t.Fatal(diff)
	}
	if _, err := c.Call(sim.IncomingCall{From: "79000000100", To: number}); err != nil {
		t.Fatal(err)
	}
	held, target := e.infos(t, "trying", 1)[0], c.workplaces()[3]
	if held["callee"].(object)["accountId"] != number {
		t.Errorf("%v", held)
	}
	right := legOf(held, `,"calleId":"`+target+`"`)
	c.succeeds(token, "/transferCall", strings.Replace(right, `"transportId":"1`, `"transportId":"2`, 1), 0)
	c.succeeds(token, "/transferCall", strings.Replace(right, `"tag":"`, `"tag":"x`, 1), 0)
	c.succeeds(token, "/transferCall", right, 1)
	c.succeeds(token, "/transferCall", right, 0) // that leg is over
	if showing := e.infos(t, "showing", 1)[0]; showing["callee"].(object)["accountId"] != target {
		t.Errorf("rings at %v", showing["callee"])
	}
	e.infos(t, "recorded", 1)
	c.Finish()
	l := s.Ledger().Calls
	if len(l) != 1 || !l[0].Complete || len(l[0].Legs) != 2 || l[0].Legs[0].Kind != "parking" || l[0].Legs[1].AccountID != target ||
		!l[0].Answered || l[0].TalkMillis != 5000 || l[0].Legs[1].StartedAt.Sub(l[0].StartedAt) > 4*time.Second {
		t.Errorf("%+v", l)
	}
}

func TestAParkedCallGoesItsWayAfterFiveSeconds(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 100, sim.Manner{PickUp: -1})
	token, places := c.tokens().Access, c.workplaces()
	c.call(token, "/setParkingNumbers", `{"params":{"numbers":["78005560251","74996497803"],"isParking":true}}`)
	c.call(token, "/setParkingNumbers", `{"params":{"numbers":["74996497803"],"isParking":false}}`)
	if diff := cmp.Diff([]string{"78005560251"}, c.Parked()); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Call(sim.IncomingCall{To: "78005560251", Route: places[1:3]}); err != nil {
		t.Fatal(err)
	}
	e.infos(t, "finished", 3)
	if _, err := c.Call(sim.IncomingCall{To: "74996497803"}); err != nil { // not parked
		t.Fatal(err)
	}
	e.infos(t, "finished", 4)
	if n := len(e.infos(t, "trying", 1)); n != 1 {
		t.Errorf("%d calls were held", n)
	}
	c.Finish()
	l := s.Ledger().Calls
	if len(l) != 2 || l[0].Outcome != "missed" || len(l[0].Legs) != 3 || l[0].WaitedMillis != 35_000 ||
		l[0].Legs[1].StartedAt.Sub(l[0].StartedAt) != 5*time.Second || l[0].Legs[2].AccountID != places[2] || len(l[1].Legs) != 1 {
		t.Errorf("%+v", l)
	}
}

func TestTerminateCallEndsALegAndTheCallGoesOn(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 5, sim.Manner{PickUp: -1, Talk: -1})
	token, places := c.tokens().Access, c.workplaces()
	if _, err := c.Call(sim.IncomingCall{Route: places[:2]}); err != nil {
		t.Fatal(err)
	}
	c.succeeds(token, "/terminateCall", legOf(e.infos(t, "showing", 1)[0], ""), 1)
	second := e.infos(t, "showing", 2)[1]
	if second["callee"].(object)["accountId"] != places[1] {
		t.Errorf("goes on at %v", second["callee"])
	}
	c.succeeds(token, "/terminateCall", legOf(second, ""), 1)
	e.infos(t, "finished", 2)
	c.Finish()
	if l := s.Ledger().Calls; len(l) != 1 || l[0].Answered || l[0].WaitedMillis >= 15_000 || !l[0].Complete {
		t.Errorf("%+v", l)
	}
}

func TestATalkIsTransferred(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 10, sim.Manner{PickUp: time.Second, Answer: time.Second, Talk: -1})
	token, places := c.tokens().Access, c.workplaces()
	if _, err := c.Call(sim.IncomingCall{From: "79000000100"}); err != nil {
		t.Fatal(err)
	}
	c.succeeds(token, "/transferCall", legOf(e.infos(t, "connected", 1)[0], `,"calleeId":"`+places[4]+`"`), 1)
	c.succeeds(token, "/terminateCall", legOf(e.infos(t, "connected", 2)[1], ""), 1)
	e.infos(t, "finished", 2)

	if _, err := c.Make(places[2], "79000000200"); err != nil {
		t.Fatal(err)
	}
	made := e.infos(t, "connected", 4)[3]
	c.succeeds(token, "/transferCall", legOf(made, `,"calleeId":"`+places[5]+`"`), 1)
	moved := e.infos(t, "connected", 5)[4]
	if diff := cmp.Diff([]any{object{"id": places[2]}}, moved["callee"].(object)["forwarderList"]); diff != "" {
		t.Error(diff)
	}
	c.succeeds(token, "/transferCall", legOf(moved, `,"calleeId":"+79000000300"`), 1)
	c.succeeds(token, "/terminateCall", legOf(e.infos(t, "connected", 6)[5], ""), 1)
	e.infos(t, "finished", 6)
	c.Finish()
	var got []string
	for _, l := range s.Ledger().Calls {
		got = append(got, fmt.Sprintf("%s %s %s %d", l.Kind, l.Direction, l.ClientNumber, len(l.Legs)))
	}
	want := []string{
		"asked incoming 79000000100 2",
		"made_workplace outgoing 79000000200 1", "made_number outgoing 79000000200 1",
		"transferred incoming 79000000200 1", "transferred outgoing 79000000300 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDirectoryChangesAreToldAndAnswered(t *testing.T) {
	t.Parallel()
	c, e, s := playing(t, 1, sim.Manner{})
	token, places := c.tokens().Access, c.workplaces()
	if err := c.ChangeDirectory(sim.DirectoryChange{
		Rename: map[string]string{places[0]: "Новое имя"}, AddWorkplaces: []string{"Новичок"}, RemoveWorkplaces: places[1:2],
		MoveTerminals: map[string]string{places[3]: places[0]}, AddNumbers: []string{"74950009988"}, RemoveNumbers: []string{"78005560251"},
	}); err != nil {
		t.Fatal(err)
	}
	_, answer := c.call(token, "/workPlacesInfo", "")
	text := fmt.Sprint(answer)
	if !strings.Contains(text, "Новое имя") || !strings.Contains(text, "Новичок") || strings.Contains(text, places[1]) {
		t.Error(text)
	}
	if _, answer = c.call(token, "/externalNumbersInfo", ""); strings.Contains(fmt.Sprint(answer), "78005560251") || !strings.Contains(fmt.Sprint(answer), "74950009988") {
		t.Error(answer)
	}
	if _, answer = c.call(token, "/terminalsInfo", ""); !strings.Contains(fmt.Sprint(answer), "terminal:"+places[3]+" workplace:"+places[0]) {
		t.Error(answer)
	}
	for range 2 {
		<-e.came
	}
	c.Finish()
	if got := s.Ledger().Directory; got != 2 {
		t.Errorf("%d changes were told", got)
	}
	if err := c.ChangeDirectory(sim.DirectoryChange{Rename: map[string]string{"1": "x"}}); err == nil {
		t.Error("renamed nobody")
	}
}

func TestTheProbeAsksAsTheOperatorDoes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.ContentLength))
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	defer srv.Close()
	c := newCabinet(t, sim.PlatformOptions{RedirectURI: srv.URL + "/mtt/word"})
	got := c.Probe(t.Context())
	if diff := cmp.Diff([]string{"GET /mtt/word 0", "HEAD /mtt/word 0", "POST /mtt/word/events 0"}, asked); diff != "" {
		t.Error(diff)
	}
	if len(got) != 3 || !got[0].OK || got[1].OK || got[1].Status != 405 || !got[2].OK {
		t.Errorf("%+v", got)
	}
}
