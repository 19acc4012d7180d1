package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fonoteka/internal/blob"
	"fonoteka/internal/call"
	"fonoteka/internal/embedded"
	"fonoteka/internal/fixity"
	"fonoteka/internal/installation"
	"fonoteka/internal/queue"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
	"fonoteka/internal/volume"
	"fonoteka/internal/warehouse"
	"fonoteka/internal/warehouse/calls"
	"fonoteka/internal/warehouse/catalogue"
	"fonoteka/internal/words"
)

func examineStores(ctx context.Context, cfg *settings.Config) (Report, error) {
	out := Report{Of: "ClickHouse and Redis"}
	err := installation.UseWarehouse(ctx, cfg, func(db *warehouse.DB) error {
		out.Findings = append(out.Findings, ClickHouse(ctx, db, cfg.ClickHouseURL == "")...)
		out.Findings = append(out.Findings, askShared(ctx, db))
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

// examineArrivals compares what came with what usually comes.
func examineArrivals(ctx context.Context, cfg *settings.Config) (out Report, err error) {
	out.Of = "the notifications of the last weeks"
	err = installation.UseWarehouse(ctx, cfg, func(db *warehouse.DB) error {
		all, err := volume.Measure(ctx, calls.New(db), cfg.Decode, time.Now())
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, s := range all {
			seen[s.Integration] = true
			out.Findings = append(out.Findings, named(cfg, s.Integration, []Finding{silence(s), zoneFinding(s)})...)
		}
		for _, i := range cfg.Integrations {
			if !seen[i.Name] {
				out.Findings = append(out.Findings, named(cfg, i.Name, []Finding{{
					Check: "silence", Answer: Look, Means: "no call has ever been announced", Do: `make one; if nothing comes, see "fonoteka doctor redirect"`,
				}})...)
			}
		}
		shared, err := calls.New(db).SharedCalls(ctx, time.Now().Add(-7*24*time.Hour))
		for _, s := range shared {
			out.Findings = append(out.Findings, Finding{
				Check: "cabinet", Answer: Look,
				Means: fmt.Sprintf("%s hear the same calls (%d within 7 days): they are integrations of one cabinet, and each call counts for each of them", strings.Join(s.Integrations, " and "), s.Calls),
				Do:    "if that is not meant, remove one of them in the operator's cabinet; in reports filter by integration",
			})
		}
		return err
	})
	return out, err
}

func silence(s volume.Comparison) Finding {
	f := Finding{Check: "silence", Answer: Yes, Means: fmt.Sprintf("the last notification came %s ago", since(s.Silence))}
	switch {
	case s.Silent():
		f.Answer = No
		f.Means += fmt.Sprintf("; %.0f calls usually begin in such a time", s.Missing)
		f.Do = "make a call; if nothing comes, the findings above say where the way is broken; what is not received is lost"
	case s.Few():
		f.Answer = Look
		f.Means = fmt.Sprintf("%.0f calls began in the last 24 hours, usually %.0f", s.Day, s.Usual)
		f.Do = "on a holiday that may be true; otherwise look in the proxy's log for answers other than 200"
	case s.Learned:
		f.Means += fmt.Sprintf("; %.0f calls began in the last 24 hours, usually %.0f", s.Day, s.Usual)
	default:
		f.Means += "; what is usual will be known after a week"
	}
	return f
}

func zoneFinding(s volume.Comparison) Finding {
	const check = "time zone"
	switch {
	case !s.Zone.Known:
		return Finding{Check: check, Answer: Unknown, Means: "too few calls of the last day tell in which zone the operator writes times"}
	case s.Zone.Offset != 0:
		return Finding{
			Check: check, Answer: No, Means: fmt.Sprintf("the operator's times are %s off when read in the configured zone", s.Zone.Offset),
			Do: "set FONOTEKA_MTT_TIMEZONE to the zone they are written in, restart serve, and then: fonoteka rebuild",
		}
	case s.Zone.Skew.Abs() > volume.SkewLimit:
		return Finding{
			Check: check, Answer: Look, Means: fmt.Sprintf("the zone is right, but notifications come %s after what they tell", s.Zone.Skew.Round(time.Second)),
			Do: "is the time of this machine kept by NTP?",
		}
	}
	return Finding{Check: check, Answer: Yes, Means: "the configured zone is the one that the operator writes times in"}
}

// since tells a span in words.
func since(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func examineS3(ctx context.Context, cfg *settings.Config) (_ Report, err error) {
	var values state.Values
	if cfg.S3URL == "" {
		v, stop, err := installation.Reach(ctx, cfg, []embedded.Store{embedded.StoreS3})
		if err != nil {
			return Report{}, err
		}
		defer func() { err = errors.Join(err, stop()) }()
		values = v
	}
	b, err := blob.Open(installation.BlobOptions(cfg, values))
	if err != nil {
		return Report{}, err
	}
	defer b.Close()
	where := b.Location()
	out := Report{Of: fmt.Sprintf("bucket %s at %s", where.Bucket, where.Endpoint)}
	if cfg.S3URL == "" {
		out.Of += " (embedded)"
	}
	answers := true
	for _, f := range b.Probe(ctx) {
		answers = answers && (f.Answer != No || f.Check != "reachable" && f.Check != "credentials")
		out.Findings = append(out.Findings, f)
	}
	if answers {
		out.Findings = append(out.Findings, askLocks(ctx, cfg, b))
	}
	return out, nil
}

// askLocks says whether what is archived is still locked as it was put: that the store
// can lock, and does so with what is put there now, says nothing of it.
func askLocks(ctx context.Context, cfg *settings.Config, b *blob.Bucket) (f Finding) {
	const check, shown = "locks", 5
	var looked, lost []call.RecordingStatus
	err := installation.UseWarehouse(ctx, cfg, func(db *warehouse.DB) error {
		rows := catalogue.New(db)
		c, err := fixity.New(fixity.Options{Rows: rows, Custody: rows, Store: b, Bucket: b.Name()})
		if err != nil {
			return err
		}
		if looked, err = c.LockSample(ctx); err == nil {
			lost, err = c.Unlocked(ctx, looked)
		}
		return err
	})
	switch {
	case errors.Is(err, state.ErrNone):
		return Finding{Check: check, Answer: NotNeeded, Means: "nothing is archived yet"}
	case err != nil:
		return Finding{Check: check, Answer: Unknown, Means: "whether what is archived is locked as it was cannot be asked", Do: "the catalogue must be up for it: see fonoteka doctor stores", Detail: err.Error()}
	case len(lost) > 0:
		var ids []string
		for _, r := range lost[:min(len(lost), shown)] {
			ids = append(ids, r.ID)
		}
		return Finding{
			Check: check, Answer: No,
			Means: fmt.Sprintf("%d of %s that were looked at have lost the lock that they were stored with: %s", len(lost), words.Count(len(looked), "recording"), strings.Join(ids, ", ")),
			Do:    "fonoteka serve locks them anew after its start, fonoteka scrub at once; a copy of the data folder must take extended attributes along (README: Backup)",
		}
	case len(looked) == 0:
		return Finding{Check: check, Answer: NotNeeded, Means: "the catalogue knows of no recording that is locked"}
	}
	return Finding{Check: check, Answer: Yes, Means: words.RecordingsAre(len(looked)) + " locked as the catalogue says, of those that were looked at: some drawn by lot, some of the last days"}
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
