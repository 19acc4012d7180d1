package announce_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/announce"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/importfile"
	"fonoteka/internal/mtt"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

func database(t *testing.T) *warehouse.DB {
	t.Helper()
	native, http, user, password := embeddedtest.ClickHouse(t)
	db, err := warehouse.Open(warehouse.Options{Addrs: []string{native}, HTTPAddr: http, User: user, Password: password, Database: "announce_" + strings.ToLower(rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return db
}

func linkLife(string) time.Duration { return 90 * 24 * time.Hour }

func decode(integration string, body []byte, received time.Time) (call.Event, error) {
	return mtt.Decode(body, mtt.Context{Integration: integration, ReceivedAt: received, Zone: time.UTC})
}

const table = `url,call_id,recorded_at
https://records.mtt.ru/a.mp3,imported-1~1o,2026-03-01T10:00:00Z
https://records.mtt.ru/a.mp3?Expires=1&Signature=x,imported-1~1o,2026-03-01T10:00:00Z
https://elsewhere.example.org/b.mp3,imported-2~1o,2020-03-01T10:00:00Z
no link,imported-3~1o,2026-03-01T10:00:00Z
`

// take imports the table, and returns what was said of lines.
func take(t *testing.T, im *announce.Import) (said []string) {
	t.Helper()
	r, err := importfile.NewReader(strings.NewReader(table), importfile.Options{Integration: "main", Zones: map[string]*time.Location{"main": time.UTC}})
	if err != nil {
		t.Fatal(err)
	}
	im.LinkLife, im.Detail = linkLife, "file sha256 x"
	im.Now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	im.Forbidden = func(link string) string {
		if strings.Contains(link, "elsewhere") {
			return "not in the list"
		}
		return ""
	}
	if err := im.Run(t.Context(), r, func(p *importfile.Problem) { said = append(said, p.Error()) }, func() {}); err != nil {
		t.Fatal(err)
	}
	return said
}

// An import takes each link once, whatever its signature, and says what will not be
// fetched or is late. Again it changes nothing.
func TestLinksOfATableAreTakenOnce(t *testing.T) {
	t.Parallel()
	db := database(t)
	id := call.RecordingID("main", "https://records.mtt.ru/a.mp3")
	dry := &announce.Import{Catalogue: catalogue.New(db), DryRun: true}
	take(t, dry)
	if _, known, err := catalogue.New(db).Recording(t.Context(), "main", id); err != nil || known || dry.Added != 2 {
		t.Errorf("a dry run: %+v, known %v, %v", dry, known, err)
	}
	im := &announce.Import{Catalogue: catalogue.New(db)}
	said := take(t, im)
	if len(said) != 1 || im.Rows != 3 || im.Added != 2 || im.Known != 1 || im.Bad != 1 || im.Overdue != 1 || fmt.Sprint(im.Refused) != "map[https://elsewhere.example.org:1]" {
		t.Errorf("%+v\n%q", im, said)
	}
	row, known, err := catalogue.New(db).Recording(t.Context(), "main", id)
	if err != nil || !known || row.State != call.Announced || row.PlatformCallID != "imported-1" || !row.ExpiresAt.Equal(time.Date(2026, 5, 30, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v, %v", row, known, err)
	}
	if last, err := catalogue.New(db).LastStep(t.Context(), []call.RecordingStatus{row}, "imported"); err != nil || len(last) != 1 || last[0].IsZero() {
		t.Errorf("last step in the chain of custody: %v, %v", last, err)
	}
	again := &announce.Import{Catalogue: catalogue.New(db)}
	if take(t, again); again.Added != 0 || again.Known != 3 {
		t.Errorf("again: %+v", again)
	}
}

func recorded(t *testing.T, db *warehouse.DB, callID, link string) {
	t.Helper()
	body := fmt.Appendf(nil, `{"event":"callNotifications","result":{"callInfo":{"call":{"id":%q},"accountId":"883140000000001","state":"recorded","urlRecord":%q}}}`, callID, link)
	e, err := decode("main", body, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	err = calls.New(db).InsertEvents(t.Context(), []call.Notification{{
		Integration: "main", GroupID: e.GroupID(), EventID: e.ID, ReceivedAt: e.ReceivedAt, Kind: e.Kind, State: string(e.State), Body: body,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// What the notifications announced and the catalogue lost is announced again; what it
// knows stays as it is.
func TestWhatTheCatalogueLostIsAnnouncedAgain(t *testing.T) {
	t.Parallel()
	db := database(t)
	recorded(t, db, "A~1o", "https://records.mtt.ru/a.mp3")
	recorded(t, db, "B~1o", "https://records.mtt.ru/get?id=b")
	known := call.Recording{Integration: "main", ID: call.RecordingID("main", "https://records.mtt.ru/a.mp3"), URL: "https://records.mtt.ru/a.mp3"}
	if err := catalogue.New(db).SaveRecordings(t.Context(), []call.RecordingStatus{{Recording: known, State: call.Archived, Attempt: 1}}); err != nil {
		t.Fatal(err)
	}
	again := announce.Again{Catalogue: catalogue.New(db), Notifications: calls.New(db), Decode: decode, LinkLife: linkLife}
	if err := again.Run(t.Context(), func() {}); err != nil || again.Seen != 2 || again.Added != 1 || again.Unread != 0 {
		t.Errorf("%+v, %v", again, err)
	}
	for link, want := range map[string]call.RecordingState{"https://records.mtt.ru/a.mp3": call.Archived, "https://records.mtt.ru/get?id=b": call.Announced} {
		if row, known, err := catalogue.New(db).Recording(t.Context(), "main", call.RecordingID("main", link)); err != nil || !known || row.State != want {
			t.Errorf("%s: %+v, %v, %v", link, row.State, known, err)
		}
	}
	next := announce.Again{Catalogue: catalogue.New(db), Notifications: calls.New(db), Decode: decode, LinkLife: linkLife, Only: announce.PassedOver}
	if err := next.Run(t.Context(), func() {}); err != nil || next.Added != 0 {
		t.Errorf("a second time: %+v, %v", next, err)
	}
}
