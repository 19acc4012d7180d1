package doctor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/embedded"
	"fonoteka/internal/installation"
	"fonoteka/internal/queue"
	"fonoteka/internal/settings"
	"fonoteka/internal/spool"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func examineStores(ctx context.Context, cfg *settings.Config) (Report, error) {
	out := Report{Of: "ClickHouse and Redis"}
	err := installation.UseWarehouse(ctx, cfg, func(db *warehouse.DB) error {
		out.Findings = append(out.Findings, ClickHouse(ctx, db, cfg.ClickHouseURL == "")...)
		out.Findings = append(out.Findings, askShared(ctx, db))
		out.Findings = append(out.Findings, askEmptied(ctx, cfg, db)...)
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Findings = append(out.Findings, askRedis(ctx, cfg))
	if !installation.Brought(cfg, embedded.StoreClickHouse) || !installation.Brought(cfg, embedded.StoreS3) {
		out.Findings = append(out.Findings, askConfinement(cfg))
	}
	return out, nil
}

// askConfinement says whether a hole in an embedded store is one in the installation.
func askConfinement(cfg *settings.Config) Finding {
	const check = "confinement"
	abi, err := embedded.Confinement()
	if err == nil {
		return Finding{Check: check, Answer: Yes, Means: fmt.Sprintf("the kernel keeps the embedded stores to their folders (Landlock, version %d)", abi)}
	}
	f := Finding{
		Check: check, Answer: No, Do: "run it on Linux 5.19 or later with Landlock, or accept that with --allow-unconfined-engine",
		Means: "nothing keeps the embedded stores from reading every file that serve may: " + err.Error() + "; so ClickHouse has no user for reading",
	}
	if cfg.Unconfined {
		f.Answer, f.Do = Look, "give the password of reader only to who may read those files, and close the ports of ClickHouse to others on this machine"
		f.Means = "--allow-unconfined-engine: whoever may ask ClickHouse reads every file that serve may: " + err.Error()
	}
	return f
}

// ClickHouse asks whether a warehouse answers, and whether its tables are of this
// program; own is true of the embedded engine.
func ClickHouse(ctx context.Context, db *warehouse.DB, own bool) []Finding {
	const do = "is the server up, and are host, port, user and password of FONOTEKA_CLICKHOUSE_URL right? Notifications are kept meanwhile"
	if err := db.Ping(ctx); err != nil {
		return []Finding{{Check: "clickhouse", Answer: No, Means: "ClickHouse does not answer", Do: do, Detail: err.Error()}}
	}
	where := "the server answers"
	if own {
		where = "the embedded engine answers"
	}
	out := []Finding{{Check: "clickhouse", Answer: Yes, Means: where}}
	if !own {
		out = append(out, askRights(ctx, db), askHTTP(ctx, db))
	}
	there, err := db.SchemaVersion(ctx)
	known, knownErr := warehouse.KnownSchema()
	switch {
	case errors.Is(err, warehouse.ErrOlderLayout):
		return append(out, Finding{
			Check: "tables", Answer: No, Means: "they are of the layout before the first release, which this program leaves alone",
			Do: "carry their rows over into new tables: deploy/CARRY-OVER.md",
		})
	case errors.Join(err, knownErr) != nil:
		return append(out, Finding{Check: "tables", Answer: No, Means: "their version cannot be read", Do: do, Detail: errors.Join(err, knownErr).Error()})
	case there > known:
		return append(out, Finding{
			Check: "tables", Answer: No, Means: fmt.Sprintf("they are of a newer fonoteka (version %d, this one knows %d)", there, known),
			Do: "run the newer program: this one leaves the tables alone",
		})
	case there < known:
		return append(out, Finding{
			Check: "tables", Answer: Look, Means: fmt.Sprintf("they are at version %d, this program's is %d", there, known), Do: "serve brings them up to date when it starts; so does fonoteka migrate",
		})
	}
	return append(out, Finding{Check: "tables", Answer: Yes, Means: fmt.Sprintf("they are at this program's version, %d", there)}, askFaults(ctx, db))
}

// askRights says whether the user may do what serve does. It is asked for, not tried.
func askRights(ctx context.Context, db *warehouse.DB) Finding {
	const check = "rights"
	missing, err := db.MissingRights(ctx)
	switch {
	case err != nil:
		return Finding{Check: check, Answer: Unknown, Means: "what the user may do cannot be asked", Do: "is the server of version 25.8 or later?", Detail: err.Error()}
	case len(missing) > 0:
		return Finding{
			Check: check, Answer: No, Means: "the user lacks what serve needs: " + strings.Join(missing, ", "),
			Do: "let an administrator give it the rights (GRANT … ON the database of FONOTEKA_CLICKHOUSE_URL TO the user), or name another user; a user for reading alone is for Grafana",
		}
	}
	return Finding{Check: check, Answer: Yes, Means: "the user may read, write and bring the tables up to date"}
}

// askHTTP says whether fonoteka sql can work: it alone uses the HTTP port.
func askHTTP(ctx context.Context, db *warehouse.DB) Finding {
	const check = "http port"
	if err := db.HTTP(ctx); err != nil {
		return Finding{
			Check: check, Answer: Look, Means: "the HTTP port does not answer: fonoteka sql cannot work, all else can",
			Do: "open it to this machine, or name it in FONOTEKA_CLICKHOUSE_URL (http_port=8123, with TLS 8443)", Detail: err.Error(),
		}
	}
	return Finding{Check: check, Answer: Yes, Means: "fonoteka sql can ask by the HTTP port"}
}

// askEmptied looks for what lies beside a warehouse that holds nothing.
func askEmptied(ctx context.Context, cfg *settings.Config, db *warehouse.DB) []Finding {
	if empty, err := db.Empty(ctx); err != nil || !empty {
		return nil // as it should be, or said above
	}
	var b *blob.Bucket
	values, stop, err := installation.Reach(ctx, cfg, []embedded.Store{embedded.StoreS3})
	if err == nil {
		defer func() { _ = stop() }() // nothing was written
		if b, err = blob.Open(installation.BlobOptions(cfg, values)); err == nil {
			defer b.Close()
		}
	}
	passed, used := spool.Passed(filepath.Join(cfg.Data, "spool"))
	var before time.Time
	if !used {
		before = time.Now() // nothing of the bucket came from this spool
	}
	what, err := installation.Emptied(ctx, db, b, passed, before)
	if err != nil || what == "" {
		return nil
	}
	return []Finding{{Check: "rows", Answer: No, Means: what, Do: installation.FillEmptied}}
}

// askFaults says whether what is archived is known to be damaged.
func askFaults(ctx context.Context, db *warehouse.DB) Finding {
	const check, names = "archive", "fonoteka recordings list --fault any names them; fonoteka scrub looks again, and serve fetches again what the operator still has"
	n, err := catalogue.New(db).CountRecordings(ctx, catalogue.Filter{Fault: catalogue.AnyFault})
	switch {
	case err != nil:
		return Finding{Check: check, Answer: No, Means: "the recordings cannot be counted", Do: "the log of serve says more", Detail: err.Error()}
	case n > 0:
		return Finding{Check: check, Answer: No, Means: words.Count(int(n), "archived recording") + " known to be altered, absent or unreadable in the store", Do: names}
	}
	return Finding{Check: check, Answer: Yes, Means: "no archived recording is known to be altered or absent"}
}

func askRedis(ctx context.Context, cfg *settings.Config) Finding {
	const check = "redis"
	if cfg.RedisURL == "" {
		return Finding{Check: check, Answer: NotNeeded, Means: "the embedded one runs inside serve; it holds nothing that is not in the catalogue"}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := queue.NewClient(queue.ClientOptions{URL: cfg.RedisURL})
	if err != nil {
		return Finding{Check: check, Answer: No, Means: "its address cannot be read", Do: "correct FONOTEKA_REDIS_URL", Detail: err.Error()}
	}
	defer c.Close()
	if err := c.Ping(ctx); err != nil {
		if text := err.Error(); strings.Contains(text, "WRONGPASS") || strings.Contains(text, "NOAUTH") {
			return Finding{Check: check, Answer: No, Means: "Redis refuses the password: no recording is fetched", Do: "correct the password in FONOTEKA_REDIS_URL, or in redis_url of the file of --config", Detail: text}
		}
		return Finding{
			Check: check, Answer: No, Means: "Redis does not answer: no recording is fetched", Do: "is it up, and are host, port and password of FONOTEKA_REDIS_URL right?", Detail: err.Error(),
		}
	}
	policy, limited, err := c.Eviction(ctx)
	switch {
	case err != nil || policy == "":
		return Finding{Check: check, Answer: Yes, Means: "it answers; it does not say what it does when its memory is full"}
	case limited && policy != "noeviction":
		return Finding{
			Check: check, Answer: Look, Means: fmt.Sprintf("when its memory is full it drops jobs (maxmemory-policy %s); they come back, late", policy), Do: "set maxmemory-policy noeviction",
		}
	}
	return Finding{Check: check, Answer: Yes, Means: "it answers, and drops nothing"}
}

// askShared says whether a link is a call's own.
func askShared(ctx context.Context, db *warehouse.DB) Finding {
	const check = "links"
	const listed = 5
	found, total, err := catalogue.New(db).SharedRecordings(ctx, listed)
	switch {
	case err != nil:
		return Finding{Check: check, Answer: Unknown, Means: "whether two calls name one recording cannot be asked", Detail: err.Error()}
	case total == 0:
		return Finding{Check: check, Answer: Yes, Means: "no two calls name one recording"}
	}
	var named []string
	for _, s := range found {
		named = append(named, fmt.Sprintf("%s (calls %s)", s.ID, strings.Trim(fmt.Sprint(s.Calls), "[]")))
	}
	if more := int(total) - len(found); more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	return Finding{
		Check: check, Answer: Look,
		Means: fmt.Sprintf("%s named by two calls, so that one of them shows the other's conversation: %s", words.Count(int(total), "recording"), strings.Join(named, ", ")),
		Do:    "compare the two links (fonoteka calls show), and ask the operator why it gave two calls one",
	}
}
