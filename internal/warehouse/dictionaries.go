package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"fonoteka/schema"
)

// makeDictionaries returns what makes, or replaces, the dictionaries that
// belong after the migrations from … to. The server reads their sources as the
// user of this connection, from 127.0.0.1.
func (o Options) makeDictionaries(std *sql.DB) func(ctx context.Context, from, to int64) error {
	credentials := "USER " + quoteText(o.User) + " PASSWORD " + quoteText(o.Password)
	return func(ctx context.Context, from, to int64) error {
		all, err := schema.Dictionaries()
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.After < from || d.After > to {
				continue
			}
			if _, err := std.ExecContext(ctx, strings.ReplaceAll(d.Statement, schema.Credentials, credentials)); err != nil {
				return fmt.Errorf("make dictionary after migration %d: %w", d.After, err)
			}
		}
		return nil
	}
}

// quoteText quotes a string literal.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
