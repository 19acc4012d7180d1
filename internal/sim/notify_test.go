package sim_test

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fonoteka/internal/sim"
)

var update = flag.Bool("update", false, "write the golden files anew")

type object = map[string]any

func decode(t *testing.T, body []byte) (result, info object) {
	t.Helper()
	var msg object
	if err := json.Unmarshal(body, &msg); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if msg["event"] != "callNotifications" || len(msg) != 2 {
		t.Fatalf("not about a call: %s", body)
	}
	result = msg["result"].(object)
	return result, result["callInfo"].(object)
}

// field reads what "finished" may hold beside callInfo.
func field(result, info object, name string) any {
	if v, ok := info[name]; ok {
		return v
	}
	return result[name]
}

var (
	suffix   = regexp.MustCompile(`~[0-9]+[a-z]$`)
	idForm   = regexp.MustCompile(`^([0-9a-f]{12}1[0-9a-f]{19}_[0-9A-F]{16}(_[0-9A-F]{6})?~[1-9]o|SDfe[a-z0-9]{5}-[0-9a-f]{32}[0-9]{3}@127\.0\.0\.1)$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
	linkForm = regexp.MustCompile(`^http://127\.0\.0\.1:8081/records/67821426/\d{4}/\d\d/\d\d/([0-9A-F]{8}_){3}[0-9A-F]{8}\.mp3$`)
)

func TestNotificationsHaveThePagesShapes(t *testing.T) {
	t.Parallel()
	for _, c := range newSim(t, sim.Options{Seed: 11, Calls: 1000}).Calls() {
		for _, n := range c.Notifications {
			result, info := decode(t, n.Body())
			id := info["call"].(object)["id"].(string)
			if !idForm.MatchString(id) || suffix.ReplaceAllString(id, "") != c.PlatformID {
				t.Fatalf("id %s of call %s", id, c.PlatformID)
			}
			if field(result, info, "state") != n.State {
				t.Fatalf("%s is sent as %s", n.State, n.Body())
			}
			if n.State == "recorded" {
				checkRecorded(t, info)
				continue
			}
			stamp, stamped := info["startTime"].(string)
			if stamped == (n.State == "finished") || stamped && !timeForm.MatchString(stamp) {
				t.Fatalf("startTime of %s", n.Body())
			}
			if kind := field(result, info, "type"); kind != "incoming" && kind != "outgoing" {
				t.Fatalf("type of %s", n.Body())
			}
			checkSides(t, c, info, n.Body())
		}
	}
}

func checkRecorded(t *testing.T, info object) {
	t.Helper()
	if len(info) != 4 || len(info["call"].(object)) != 1 || info["accountId"] == "" || !linkForm.MatchString(info["urlRecord"].(string)) {
		t.Fatalf("recorded: %v", info)
	}
}

// checkSides: centrexId stands on the side that is ours, on both of an internal call.
func checkSides(t *testing.T, c *sim.Call, info object, body []byte) {
	t.Helper()
	caller, _ := info["caller"].(object)
	callee, _ := info["callee"].(object)
	want := map[string][2]bool{"incoming": {false, true}, "outgoing": {true, false}, "internal": {true, true}}[c.Direction]
	if got := [2]bool{caller["centrexId"] != nil, callee["centrexId"] != nil}; got != want {
		t.Fatalf("%s call: %s", c.Direction, body)
	}
}

func TestTrafficHasThePagesOddities(t *testing.T) {
	t.Parallel()
	oddities := map[string]string{
		"Cyrillic letter in a tag":          `"tag":"(hsw|sdf)е`,
		"fields beside callInfo":            `\}\},?"(duration|reason)":`,
		"fields beside callInfo, type last": `"transportId":"[0-9.:]+","type":"(in|out)[a-z]+"\}\}$`,
		"duration as a string":              `"duration":"[0-9]+"`,
		"duration null":                     `"duration":null`,
		"reason code null":                  `"reasonCode":null`,
		"reason code as a string":           `"reasonCode":"16"`,
		"display_name":                      `"display_name":"7`,
		"displayName":                       `"displayName":"[^"]`,
		"no caller in finished":             `^\{"event":"callNotifications","result":\{"callInfo":\{"call":\{[^}]*\},"callee":\{"accountId":"8831[^}]*\}[^}]*\}\},?"?`,
		"number with +7":                    `"displayId":"\+79`,
		"number with 8":                     `"id":"8(900|812|495|831)`,
		"ten digits":                        `"id":"(900|812|495|831)[0-9]{7}"`,
		"international prefix":              `"id":"810(44|81|1)`,
		"line outside":                      `"accountId":"7[0-9]{10}@pstn"`,
		"line outside with +":               `"accountId":"\+7[0-9]{10}@pstn"`,
		"hidden":                            `"(anonymous@pstn|restricted)"`,
		"routing object":                    `"forwarderList":\[\{"id":"an_prd`,
		"plain forwarder":                   `"forwarderList":\["8831`,
		"emoji":                             `🌼`,
		"escaped emoji":                     `\\ud83c\\udf3c`,
		"quotes":                            `ИП Сидоров \\"Стройка\\"`,
		"controller's id":                   `"id":"SDfe`,
		"third part of an id":               `_[0-9A-F]{16}_[0-9A-F]{6}~2o`,
		"third leg":                         `~3o"`,
	}
	s := newSim(t, sim.Options{Seed: 11, Calls: 2000})
	for name, pattern := range oddities {
		re, n := regexp.MustCompile(pattern), 0
		for _, body := range s.Notifications() {
			if re.Match(body) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s: never seen (%s)", name, pattern)
		}
	}
}

func TestDirectoryChangesNowAndThen(t *testing.T) {
	t.Parallel()
	n := map[string]int{}
	for _, body := range newSim(t, sim.Options{Seed: 4, Calls: 1000}).Notifications() {
		if strings.Contains(string(body), "vpbxNotifications") {
			n[string(body)]++
		}
	}
	numbers := n[`{"event":"vpbxNotifications","result":{"eventType":"numbersChanged"}}`]
	places := n[`{"event":"vpbxNotifications","result":{"eventType":"workplacesChanged"}}`]
	if len(n) != 2 || numbers < 2 || places < 2 || numbers+places > 60 {
		t.Error(n)
	}
}

func TestOneCallAsPosted(t *testing.T) {
	t.Parallel()
	var got []byte
	for _, c := range newSim(t, sim.Options{Seed: 1, Calls: 15}).Calls() {
		if c.Kind != sim.Transfer {
			continue
		}
		for _, n := range c.Notifications {
			got = append(append(got, n.Body()...), '\n')
		}
		row, err := json.MarshalIndent(c.Ledger(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(append(got, row...), '\n')
	}
	const file = "testdata/transfer.golden"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}
