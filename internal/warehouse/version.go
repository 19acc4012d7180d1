package warehouse

import (
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"fonoteka/schema"
)

// KnownSchema is the number of the newest migration that this program brings.
func KnownSchema() (newest int64, err error) {
	newest = newestFirstVersion
	names, err := fs.Glob(schema.FS(), "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}
