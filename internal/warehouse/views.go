package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fonoteka/schema"
)

// bringViews makes this program's views and dictionaries where the database has
// others, and drops those of the program before that this one has not. A view that
// no program made is left alone, whatever its name. What was begun and not finished,
// and what somebody dropped, is made by whoever starts next.
//
// Several programs may share a database. Views of a higher schema number, or of a
// higher revision of the same number, are kept by all others, so that they do not
// change to and fro with every start. Where a lower one is at it at the same moment,
// it gives way, and the higher one begins again when it is through. Rejected: the
// last one to start wins, which replaces views under a running newer program; and
// the order in which a database met them, as a release that takes a change back has
// views which the database has had before.
func (db *DB) bringViews(ctx context.Context, std *sql.DB) error {
	v := viewMaker{std: std, db: db, views: db.schema.Views, credentials: db.opts.credentials()}
	number, err := db.schema.Number()
	if err != nil {
		return err
	}
	v.mine = viewsState{number: number, revision: v.views.Revision, definitions: v.views.Digests()}
	if kept, err := v.keep(ctx); kept || err != nil {
		return err
	}
	for {
		if again, err := v.replace(ctx); !again || err != nil {
			return err
		}
	}
}

// viewMaker makes the views and dictionaries of one program.
type viewMaker struct {
	db          *DB
	std         *sql.DB // takes statements, as those of migrations
	views       schema.Views
	credentials string
	mine        viewsState
}

// keep reports that the views which are there stay. Their dictionaries are made
// anew, for today's password, as far as this program has the same.
func (v viewMaker) keep(ctx context.Context) (bool, error) {
	states, err := v.states(ctx, 0)
	if err != nil || len(states) == 0 {
		return false, err
	}
	last := states[len(states)-1]
	switch {
	case !last.whole || last.rank(v.mine) < 0:
		return false, nil
	case last.same(v.mine):
		if there, err := v.allThere(ctx); err != nil || !there {
			return false, err
		}
	case last.rank(v.mine) == 0:
		v.db.log.Warn("views of another build with the same revision are kept: go test ./schema -update raises it", "revision", last.revision)
	default:
		v.db.log.Info("views of a newer version are kept", "revision", last.revision, "own", v.mine.revision)
	}
	for _, d := range v.views.Definitions {
		if d.Dictionary && last.definitions[d.Name] == d.Digest() {
			if err := v.make(ctx, d); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// replace makes all of them. again reports that another program has made some of
// its own meanwhile.
func (v viewMaker) replace(ctx context.Context) (again bool, err error) {
	before, err := v.states(ctx, 0)
	if err != nil {
		return false, err
	}
	begin, err := v.note(ctx, false)
	if err != nil {
		return false, err
	}
	for _, d := range v.views.Definitions {
		if gone, err := v.giveWay(ctx, begin); gone || err != nil {
			return false, err
		}
		if err := v.make(ctx, d); err != nil {
			return false, err
		}
	}
	if err := v.dropGone(ctx, before); err != nil {
		return false, err
	}
	if gone, err := v.giveWay(ctx, begin); gone || err != nil {
		return false, err
	}
	others, err := v.othersSince(ctx, begin)
	if err != nil || len(others) > 0 {
		return err == nil, err
	}
	if _, err := v.note(ctx, true); err != nil {
		return false, err
	}
	v.db.log.Info("views made", "views", len(v.views.Definitions), "revision", v.mine.revision)
	return false, nil
}

// giveWay reports that a program which has its way began after this one. A note
// tells it, or the next one to start, that this one has been here.
func (v viewMaker) giveWay(ctx context.Context, begin uint64) (bool, error) {
	others, err := v.othersSince(ctx, begin)
	if err != nil || !slices.ContainsFunc(others, func(o viewsState) bool { return o.precedes(v.mine) }) {
		return false, err
	}
	_, err = v.note(ctx, false)
	return err == nil, err
}

func (v viewMaker) othersSince(ctx context.Context, begin uint64) ([]viewsState, error) {
	states, err := v.states(ctx, begin)
	return slices.DeleteFunc(states, v.mine.same), err
}

// make tries again what the server refuses: for a moment it does not know a
// dictionary that another process is replacing.
func (v viewMaker) make(ctx context.Context, d schema.Definition) error {
	statement := strings.ReplaceAll(d.Statement, schema.Credentials, v.credentials)
	_, err := v.std.ExecContext(ctx, statement)
	for wait := 100 * time.Millisecond; code(err) != 0 && wait < 2*time.Second; wait *= 2 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		_, err = v.std.ExecContext(ctx, statement)
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", d.Name, err)
	}
	return nil
}

// dropGone drops what the last whole set, or one that was begun since, has and this
// one has not. Dictionaries go first, since the server keeps what they read.
func (v viewMaker) dropGone(ctx context.Context, before []viewsState) error {
	var names []string
	for _, s := range slices.Backward(before) {
		for name := range s.definitions {
			if _, ours := v.mine.definitions[name]; !ours {
				names = append(names, name)
			}
		}
		if s.whole {
			break
		}
	}
	for _, kind := range []string{"Dictionary", "View"} {
		there, err := v.there(ctx, kind, names)
		if err != nil {
			return err
		}
		for _, name := range there {
			if _, err := v.std.ExecContext(ctx, "DROP "+kind+" IF EXISTS "+quoteName(name)); err != nil {
				return fmt.Errorf("drop %s: %w", name, err)
			}
		}
	}
	return nil
}

func (v viewMaker) allThere(ctx context.Context) (bool, error) {
	there, err := v.there(ctx, "View", slices.Collect(maps.Keys(v.mine.definitions)))
	views := 0
	for _, d := range v.views.Definitions {
		if !d.Dictionary { // those are made anew anyway
			views++
		}
	}
	return len(there) == views, err
}

// credentials are the user and password under which the server reads the sources
// of dictionaries, from 127.0.0.1.
func (o Options) credentials() string {
	user, password := o.User, o.Password
	if o.DictionaryUser != "" {
		user, password = o.DictionaryUser, o.DictionaryPassword
	}
	return "USER " + quoteText(user) + " PASSWORD " + quoteText(password)
}

// quoteText quotes a string literal.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
