package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed are the imports of the project's own packages, a reason per line.
// Imports go down only, so that a package can be understood from below; packages
// of one rank know each other only where a line says why.
var allowed = map[string][]string{
	// rank 0: nothing of ours
	"schema":             {},
	"internal/call":      {},
	"internal/mp3":       {},
	"internal/audio":     {"internal/mp3"}, // the other formats beside it, and which of them a file is
	"internal/bounded":   {},
	"internal/hours":     {}, // spans of the week, as people write them
	"internal/printable": {},
	"internal/words":     {}, // numbers and times, told
	"internal/exitcode":  {}, // what commands end with
	"internal/bagit":     {}, // folders, and files with digests
	"internal/run":       {},
	"internal/datafile":  {}, // any package may import it, and run
	"internal/testenv":   {}, // what tests need of the machine
	"internal/sign":      {}, // keys, in a store that is given to it
	"internal/tsa":       {}, // an authority of the outside, asked by whoever has a digest
	"internal/pack":      {}, // what stands in a package
	// rank 1: one thing of the outside each
	"internal/mtt":        {"internal/bounded", "internal/call"},                   // answers of any size; its words for the operator's
	"internal/spool":      {"internal/bounded"},                                    // opaque records; a damaged file of any size
	"internal/blob":       {"internal/bounded"},                                    // opaque objects; answers of any size
	"internal/warehouse":  {"schema"},                                              // the tables it applies; it knows no row
	"internal/bucket":     {"internal/audio", "internal/blob", "internal/call"},    // extensions of keys, objects and locks, rows
	"internal/fetch":      {"internal/bounded", "internal/call", "internal/hours"}, // inflates; reasons of failures; when a bandwidth holds
	"internal/queue":      {"internal/call"},                                       // a job names a recording
	"internal/state":      {},
	"internal/calendar":   {"internal/importfile"}, // a file of the state's, which may be a table
	"internal/importfile": {},                      // a file of somebody else's
	"internal/audit":      {"internal/printable"},  // a chain of entries, shown by whatever reads the file
	// rank 2: stages
	"internal/edge":   {},                                                                                            // the door: knows nothing of what comes through
	"internal/intake": {"internal/spool"},                                                                            // what it appends
	"internal/relay":  {"internal/bounded", "internal/call", "internal/mtt", "internal/spool", "internal/warehouse"}, // inflates; from records to rows; mtt for ErrUnreadable
	"internal/cdr":    {"internal/call", "internal/warehouse"},                                                       // derives; refusals, and values as columns hold them
	"internal/archive": { // verifies and stores what it fetches, under keys of the bucket, as a job's handler
		"internal/audio", "internal/blob", "internal/bucket", "internal/call", "internal/fetch", "internal/queue",
	},
	"internal/fixity":       {"internal/audio", "internal/blob", "internal/bucket", "internal/call"},                            // verifies what it fetches again, reads rows and objects again, by their names
	"internal/rollup":       {"internal/warehouse"},                                                                             // how long an insert may take
	"internal/catalogstats": {"internal/call"},                                                                                  // counts by state
	"internal/playback":     {"internal/audio", "internal/call", "internal/blob", "internal/printable", "internal/run"},         // no forged names; content types; a row, and the object that it names
	"internal/volume":       {"internal/call"},                                                                                  // its notifications
	"internal/token":        {"internal/mtt"},                                                                                   // exchanges them
	"internal/directory":    {"internal/bounded", "internal/call", "internal/importfile", "internal/mtt", "internal/printable"}, // a file of any size, normalised numbers, tables, the operator's lists
	"internal/correlate":    {"internal/call"},                                                                                  // its calls
	"internal/custody":      {"internal/audit", "internal/call", "internal/pack"},                                               // seals are entries, over chains of steps, which packages show
	"internal/announce":     {"internal/call", "internal/importfile", "internal/relay"},                                         // rows of a table, or of events as the relay reads them
	"internal/admin":        {"internal/bounded", "internal/cdr", "internal/state"},                                             // answers of any size; a rebuild's options and progress; where the running process is
	// rank 3: topics of the warehouse, each with the stages whose interfaces it implements and whose rows it knows
	"internal/warehouse/calls":       {"internal/volume", "internal/call", "internal/cdr", "internal/correlate", "internal/relay", "internal/warehouse"},
	"internal/warehouse/catalogue":   {"internal/call", "internal/custody", "internal/fixity", "internal/relay", "internal/catalogstats", "internal/warehouse", "internal/warehouse/calls"}, // a recording belongs to a call
	"internal/warehouse/directories": {"internal/directory", "internal/warehouse"},
	"internal/warehouse/reports":     {"internal/rollup", "internal/warehouse"},
	"internal/warehouse/trails":      {"internal/audit", "internal/warehouse"},
	"internal/warehouse/exports": { // a selection: rows of calls, of the catalogue and of the audit, chained, and their objects, as a package has them
		"internal/audio", "internal/audit", "internal/blob", "internal/bounded", "internal/bucket", "internal/call", "internal/custody", "internal/export", "internal/pack",
		"internal/warehouse", "internal/warehouse/calls", "internal/warehouse/catalogue", "internal/warehouse/trails",
	},
	"internal/warehouse/warehousetest": {
		"internal/call", "internal/directory", "internal/embedded/embeddedtest", "internal/warehouse", "internal/warehouse/calls", "internal/warehouse/catalogue",
		"internal/warehouse/directories", "internal/warehouse/reports", "internal/warehouse/trails",
	}, // a database as all of them know it, for tests
	// rank 4: an installation, and what people do with it
	"internal/control":      {"internal/audit", "internal/call", "internal/correlate", "internal/directory", "internal/mtt", "internal/warehouse/calls", "internal/warehouse/directories"},                                                                                                                                                     // an entry, an action and a question to the operator about a call, told by its rows or by the directory
	"internal/settings":     {"internal/audit", "internal/blob", "internal/bounded", "internal/bucket", "internal/call", "internal/edge", "internal/embedded", "internal/fetch", "internal/hours", "internal/mtt", "internal/queue", "internal/rollup", "internal/state", "internal/token", "internal/warehouse", "internal/words"},            // what each of them is told, parsed by its own rules; opens none of them
	"internal/installation": {"internal/audit", "internal/blob", "internal/bucket", "internal/embedded", "internal/fixity", "internal/intake", "internal/mtt", "internal/queue", "internal/settings", "internal/state", "internal/token", "internal/warehouse", "internal/warehouse/catalogue", "internal/warehouse/trails", "internal/words"}, // each opened as its settings say, and a checker on both stores; where recordings lie, to see whether there are any; intake for whose redirect URI was asked; numbers told
	"internal/daemon": {
		"internal/settings", "internal/installation", // the process of an installation
		"internal/edge", "internal/intake", "internal/admin", "internal/playback", "internal/printable", // its listeners
		"internal/relay", "internal/cdr", "internal/rollup", "internal/archive", "internal/fetch", "internal/fixity", "internal/directory", "internal/correlate", "internal/custody", "internal/catalogstats", "internal/volume", // the stages that it runs
		"internal/spool", "internal/queue", "internal/warehouse", "internal/blob", "internal/state", "internal/audit", "internal/token", "internal/embedded", // what they are given
		"internal/warehouse/calls", "internal/warehouse/catalogue", "internal/warehouse/directories", "internal/warehouse/reports", "internal/warehouse/trails", // their tables
		"internal/call", // what goes from one to another
	},
	"internal/doctor": {
		"internal/settings", "internal/installation", "internal/admin", // what it examines, and the running process
		"internal/warehouse", "internal/queue", "internal/blob", "internal/embedded", "internal/fixity", "internal/volume", "internal/token", "internal/spool", "internal/state", // each asked
		"internal/warehouse/calls", "internal/warehouse/catalogue", // their tables
		"internal/relay", "internal/call", "internal/bounded", "internal/words", // the name of a cursor; a fault's part; answers of any size; numbers told
	},
	// beside
	"internal/dashboard":             {"internal/call"},                                                                          // makes files, and asks in SQL alone; the words of codes
	"internal/dashboard/picture":     {"internal/dashboard"},                                                                     // draws its panels
	"internal/seed":                  {"internal/sim"},                                                                           // whose calls it writes
	"internal/sim":                   {},                                                                                         // cannot mirror a decoder's mistake
	"internal/embedded":              {"internal/state"},                                                                         // chooses ports the way an installation does
	"internal/call/calltest":         {"internal/call"},                                                                          // its records, told
	"internal/fetch/fetchtest":       {"internal/fetch"},                                                                         // its list of hosts
	"internal/export/exporttest":     {"internal/audit", "internal/bucket", "internal/call", "internal/export", "internal/pack"}, // a selection, told; a real audit
	"internal/embedded/embeddedtest": {"internal/embedded", "internal/testenv"},                                                  // starts them for tests; those that skip where something is missing
	"internal/system":                {},                                                                                         // tests alone, which may see everything
	"internal/verify":                {"internal/audio", "internal/bagit", "internal/pack", "internal/sign", "internal/tsa"},     // a package, its sound, its lists, its signature and its time
	"internal/export":                {"internal/bagit", "internal/call", "internal/pack", "internal/sign", "internal/tsa"},      // writes all of that; rows of the catalogue
	"cmd/mttsim":                     {"internal/seed", "internal/sim"},
}

// everywhere are packages of rank 0 that any other may import: what they offer belongs to
// no domain.
var everywhere = []string{
	"internal/run",      // waiting, trying again, logging an outage
	"internal/datafile", // file locks, durable replacement of a file
}

// onlyImporter names the package that keeps a library to itself, or two of them.
var onlyImporter = map[string]string{
	"github.com/ClickHouse/clickhouse-go/v2": "internal/warehouse",
	"github.com/minio/minio-go/v7":           "internal/blob",
	"github.com/hibiken/asynq":               "internal/queue",
	"github.com/cockroachdb/pebble/v2":       "internal/spool",
	"github.com/versity/versitygw":           "internal/embedded",
	"github.com/ebitengine/purego":           "internal/embedded",
	"github.com/yuin/gopher-lua":             "internal/embedded",
	"github.com/urfave/cli/v2":               "cmd/ internal/settings", // commands; flags, which settings are
	"github.com/caddyserver/certmagic":       "internal/edge",
	"golang.org/x/text":                      "internal/importfile internal/bagit", // encodings of tables; of tag files, and names in their normal form
	"aead.dev/minisign":                      "internal/sign",
	"github.com/digitorus/timestamp":         "internal/tsa",
	"github.com/digitorus/pkcs7":             "internal/tsa",
	"github.com/xuri/excelize/v2":            "internal/export",
}

// ownedBy tells whether a package is one of the owners of a library; an owner that ends
// in a slash stands for all below it.
func ownedBy(owners, name string) bool {
	return slices.ContainsFunc(strings.Fields(owners), func(owner string) bool {
		return name == owner || strings.HasSuffix(owner, "/") && strings.HasPrefix(name, owner)
	})
}

func TestImportsGoDownOnly(t *testing.T) {
	t.Parallel()
	path, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := strings.TrimSpace(string(path)) + "/"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			for library, owner := range onlyImporter {
				if (imp == library || strings.HasPrefix(imp, library+"/")) && !ownedBy(owner, name) {
					t.Errorf("%s imports %s, which belongs to %s", name, imp, owner)
				}
			}
			if own, ok := strings.CutPrefix(imp, module); ok && name != "cmd/fonoteka" && !slices.Contains(allowed[name], own) && !slices.Contains(everywhere, own) {
				t.Errorf("%s imports %s: add it to the table with a reason, or go without", name, own)
			}
		}
		if _, ok := allowed[name]; !ok && name != "cmd/fonoteka" {
			t.Errorf("%s is not in the table of imports", name)
		}
	}
	if seen < len(allowed) {
		t.Errorf("go list found %d packages, the table has %d: a line of it is stale", seen, len(allowed))
	}
}
