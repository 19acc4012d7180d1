package calls_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"fonoteka/internal/call"
)

// What an installation pays for keeping every notification as it came.
func TestEventTakesAtMost70BytesOnDisk(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.InsertEvents(t.Context(), outgoingCalls(5000)))
	ask(t, db, "OPTIMIZE TABLE events FINAL")
	got := ask(t, db, `SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts
		WHERE active AND database = currentDatabase() AND table = 'events' SETTINGS final = 0`)
	bytes, err := strconv.ParseFloat(got, 64)
	must(t, err)
	if bytes > 70 || bytes < 20 {
		t.Errorf("%.1f bytes an event", bytes)
	}
}

// outgoingCalls are the operator's examples, each call with ids, account,
// client, times and lengths of its own.
func outgoingCalls(n int) []call.Notification {
	random := rand.New(rand.NewPCG(1, 2))
	digits := func(n int) string {
		b := make([]byte, n/2)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return hex.EncodeToString(b)
	}
	var rows []call.Notification
	start := at("2026-11-20 08:00:00")
	for range n {
		start = start.Add(time.Duration(random.IntN(5000)) * time.Millisecond)
		id := "SD" + digits(6) + "01-" + digits(32) + "@127.0.0.1"
		head := fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"call":{"id":"%s","tag":"sd%s-%d"},`, id, digits(6), random.IntN(1e9))
		client, account := fmt.Sprint(79_000_000_000+random.IntN(1e9)), 883_140_582_526_000+random.IntN(200)
		parties := fmt.Sprintf(`"callee":{"displayId":"%s","forwarderList":[],"id":"%s"},"caller":{"accountId":"%d","centrexId":"48212857",`+
			`"displayId":"78005560251","forwarderList":[],"id":"78005560251"},`, client, client, account)
		tail := fmt.Sprintf(`"transportId":"10.133.51.%d:50%d","type":"outgoing"}}}`, random.IntN(250), 60+random.IntN(20))
		talk := random.IntN(400)
		for i, state := range []string{"trying", "showing", "connected", "hiding", "finished", "recorded"} {
			body := head + parties + `"startTime":"` + start.Format(time.DateTime) + `","state":"` + state + `",` + tail
			switch state {
			case "finished":
				body = head + parties + fmt.Sprintf(`"duration":%d,"reason":"Originate leg disconnected","reasonCode":null,"state":"finished",`, talk) + tail
			case "recorded":
				body = fmt.Sprintf(`{"event":"callNotifications","result":{"callInfo":{"accountId":"%d","call":{"id":"%s"},"state":"recorded",`+
					`"urlRecord":"https://openapi-stage.mtt.ru/records/34380859/%s/%s.mp3"}}}`, account, id,
					start.Format("2006/01/02"), strings.ToUpper(digits(8)+"_"+digits(8)+"_"+digits(8)+"_"+digits(8)))
			}
			rows = append(rows, call.Notification{
				Integration: "main", GroupID: call.ID("main", id), EventID: call.EventID([]byte(body)), Kind: call.KindCall, State: state,
				ReceivedAt: start.Add(time.Duration(i*talk)*time.Second/5 + time.Duration(random.IntN(300))*time.Millisecond), Body: []byte(body),
			})
		}
	}
	return rows
}
