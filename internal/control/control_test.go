package control_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/audit"
	"fonoteka/internal/call"
	"fonoteka/internal/control"
	"fonoteka/internal/directory"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/directories"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// operator stands for the operator's API, and looks at what is noted when it is asked.
type operator struct {
	asked  func()
	answer error
	said   []string
}

func (o *operator) MakeCall(_ context.Context, workplace, number string) (string, error) {
	o.said = append(o.said, "make "+workplace+" "+number)
	o.asked()
	return "made~1o", o.answer
}

func (o *operator) TransferCall(_ context.Context, leg mtt.Leg, callee string) error {
	o.said = append(o.said, "transfer "+leg.CallID+" "+leg.Tag+" "+callee)
	o.asked()
	return o.answer
}

func (o *operator) TerminateCall(_ context.Context, leg mtt.Leg) error {
	o.said = append(o.said, "drop "+leg.CallID)
	o.asked()
	return o.answer
}

func (o *operator) SetParkingNumbers(_ context.Context, numbers []string, parked bool) error {
	o.said = append(o.said, map[bool]string{true: "park ", false: "clear "}[parked]+strings.Join(numbers, " "))
	o.asked()
	return o.answer
}

// desk is where somebody controls calls.
type desk struct {
	*control.Control
	op    *operator
	db    *warehouse.DB
	trail *audit.Trail
}

func decode(integration string, body []byte, received time.Time) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received, Zone: time.UTC})
}

func open(t *testing.T) *desk {
	t.Helper()
	native, http, user, password := embeddedtest.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options{Addrs: []string{native}, HTTPAddr: http, User: user, Password: password, Database: "control_" + strings.ToLower(rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	trail, err := audit.Open(audit.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{op: &operator{asked: func() {}}, db: db, trail: trail}
	d.Control, err = control.New(control.Options{
		Integration: "main", Operator: d.op, Store: calls.New(db), Numbers: directories.New(db), Trail: trail, Actor: "anna", Decode: decode, AreaCode: "495",
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// notify stores notifications of a call.
func (d *desk) notify(t *testing.T, bodies ...string) {
	t.Helper()
	now := time.Now().UTC()
	var rows []call.Notification
	for i, body := range bodies {
		e, err := decode("main", []byte(body), now.Add(time.Duration(i)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, call.Notification{
			Integration: "main", GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: e.ReceivedAt, Kind: e.Kind, State: string(e.State), Body: []byte(body),
		})
	}
	if err := calls.New(d.db).InsertEvents(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// outcomes are those of the audit's entries, in order.
func (d *desk) outcomes(t *testing.T) (all []string) {
	t.Helper()
	err := d.trail.Each(func(r audit.Row) error {
		if r.Actor != "anna" || r.Integration != "main" {
			t.Errorf("entry %+v", r.Entry)
		}
		all = append(all, r.Action+" "+string(r.Outcome))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const ringing = `{"event":"callNotifications","result":{"callInfo":{"call":{"id":"leg-1~1o","tag":"t1"},"state":"showing","type":"incoming","startTime":"2026-03-02 10:00:00","transportId":"x","caller":{"accountId":"79160000001@pstn","id":"79160000001"},"callee":{"accountId":"883140000000001","centrexId":"1"}}}}`

// The operator is asked when both the audit and the warehouse have it that it begins;
// then both have what came of it.
func TestTheOperatorIsAskedBetweenTwoNotes(t *testing.T) {
	t.Parallel()
	d := open(t)
	from := time.Now().Add(-time.Minute)
	number, err := d.Number("8 (916) 123-45-67")
	if err != nil {
		t.Fatal(err)
	}
	d.op.asked = func() {
		if got := d.outcomes(t); !slices.Equal(got, []string{"call.make begun"}) {
			t.Errorf("when it is asked the audit has %v", got)
		}
		if got, err := calls.New(d.db).Actions(t.Context(), from, time.Now().Add(time.Minute)); err != nil || len(got) != 1 || got[0].PlatformCallID != "" {
			t.Errorf("when it is asked the warehouse has %+v, %v", got, err)
		}
	}
	id, err := d.Make(t.Context(), "883140000000001", number)
	if err != nil || id != "made~1o" {
		t.Errorf("%q, %v", id, err)
	}
	if want := []string{"make 883140000000001 89161234567"}; !slices.Equal(d.op.said, want) {
		t.Errorf("the operator was asked %q", d.op.said)
	}
	if got := d.outcomes(t); !slices.Equal(got, []string{"call.make begun", "call.make done"}) {
		t.Errorf("the audit has %v", got)
	}
	if got, err := calls.New(d.db).Actions(t.Context(), from, time.Now().Add(time.Minute)); err != nil || len(got) != 1 || got[0].PlatformCallID != "made~1o" || got[0].Number != "79161234567" {
		t.Errorf("the warehouse has %+v, %v", got, err)
	}
	err = d.trail.Each(func(r audit.Row) error {
		if strings.Contains(r.Target, "9161234567") {
			t.Errorf("the audit holds a client's number: %s", r.Target)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// What the operator answers, or does not, is told apart.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want audit.Outcome
	}{
		"done":                 {nil, audit.Done},
		"refused":              {&mtt.Error{Status: 403}, audit.Refused},
		"the operator's fault": {&mtt.Error{Status: 502}, audit.Failed},
		"no answer":            {errors.Join(errors.New("EOF"), mtt.ErrOutcomeUnknown), audit.Unknown},
		"not reached":          {errors.New("connection refused"), audit.Failed},
	} {
		if got := control.Outcome(c.err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Who leaves before the operator has answered has acted all the same, and that is noted.
func TestWhatCameOfItIsNotedAlsoForWhoLeft(t *testing.T) {
	t.Parallel()
	d := open(t)
	ctx, leave := context.WithCancel(t.Context())
	d.op.asked, d.op.answer = leave, errors.Join(context.Canceled, mtt.ErrOutcomeUnknown)
	number, err := d.Number("74951234567")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Make(ctx, "883140000000001", number); !errors.Is(err, mtt.ErrOutcomeUnknown) {
		t.Errorf("Make = %v", err)
	}
	if got := d.outcomes(t); !slices.Equal(got, []string{"call.make begun", "call.make unknown"}) {
		t.Errorf("the audit has %v", got)
	}
}

// What cannot be noted is not begun.
func TestWhatCannotBeNotedIsNotBegun(t *testing.T) {
	t.Parallel()
	d := open(t)
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	number, err := d.Number("74951234567")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Make(t.Context(), "883140000000001", number); err == nil || !strings.Contains(err.Error(), "nothing was done") || len(d.op.said) > 0 {
		t.Errorf("Make = %v, the operator was asked %q", err, d.op.said)
	}
	if got := d.outcomes(t); !slices.Equal(got, []string{"call.make begun", "call.make failed"}) {
		t.Errorf("the audit has %v", got)
	}
}

func TestALegIsFoundAndLedOn(t *testing.T) {
	t.Parallel()
	d := open(t)
	if _, err := d.Leg(t.Context(), "leg-1~1o"); err == nil || !strings.Contains(err.Error(), "there is no leg and no call") {
		t.Errorf("a leg that is not there: %v", err)
	}
	d.notify(t, ringing)
	leg, err := d.Leg(t.Context(), "leg-1~1o")
	if err != nil || leg != (mtt.Leg{CallID: "leg-1~1o", Tag: "t1", TransportID: "x"}) {
		t.Fatalf("%+v, %v", leg, err)
	}
	to, err := d.Number("1234567") // completed by the area code for CDRs, dialled as it was said
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Transfer(t.Context(), leg, to), d.Drop(t.Context(), leg)); err != nil {
		t.Error(err)
	}
	if want := []string{"transfer leg-1~1o t1 1234567", "drop leg-1~1o"}; !slices.Equal(d.op.said, want) {
		t.Errorf("the operator was asked %q", d.op.said)
	}
	d.notify(t, strings.Replace(ringing, "showing", "finished", 1))
	if _, err := d.Leg(t.Context(), "leg-1~1o"); err == nil || !strings.Contains(err.Error(), "is over") {
		t.Errorf("a leg that is over: %v", err)
	}
	if _, err := d.Number("nobody"); err == nil {
		t.Error("nobody is a number")
	}
}

// Numbers are spelled as the operator's list has them, and others than those are
// refused where there is a list. An answer that was lost is remembered as that.
func TestNumbersAreParkedAsTheOperatorSpellsThem(t *testing.T) {
	t.Parallel()
	d := open(t)
	err := directories.New(d.db).InsertDirectory(t.Context(), []directory.Row{
		{Kind: directory.Number, Integration: "main", ID: "74951234567", ValidFrom: time.Now().Add(-time.Hour), Raw: "+7 495 123-45-67"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.Park(t.Context(), []string{"1234567"}, true); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := d.Park(t.Context(), []string{"74957654321"}, true); err == nil || !strings.Contains(err.Error(), "none of the external numbers") {
		t.Errorf("another number: %v", err)
	}
	d.op.answer = mtt.ErrOutcomeUnknown
	if _, err := d.Park(t.Context(), []string{"74951234567"}, false); !errors.Is(err, mtt.ErrOutcomeUnknown) {
		t.Errorf("an answer that was lost: %v", err)
	}
	if want := []string{"park +7 495 123-45-67", "clear +7 495 123-45-67"}; !slices.Equal(d.op.said, want) {
		t.Errorf("the operator was asked %q", d.op.said)
	}
	rows, err := directories.New(d.db).Parking(t.Context(), "main")
	if err != nil || len(rows) != 1 || rows[0].Parked || rows[0].Outcome != "unknown" {
		t.Errorf("%+v, %v", rows, err)
	}
	if got := d.outcomes(t); !slices.Equal(got, []string{"parking.set begun", "parking.set done", "parking.clear begun", "parking.clear unknown"}) {
		t.Errorf("the audit has %v", got)
	}
}
