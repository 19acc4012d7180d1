package warehouse_test

import (
	"errors"
	"testing"

	"fonoteka/internal/warehouse"
)

// A password is not shown, and one of a letter leaves the rest of a message as it was.
func TestAPasswordIsHiddenAndTheMessageIsReadable(t *testing.T) {
	t.Parallel()
	const message = "code: 60, message: Table fonoteka.calls does not exist. Maybe you meant call_keys?"
	for _, c := range []struct{ password, said, want string }{
		{"a", message, message},
		{"e", message, message},
		{"e", "dial clickhouse://u:e@host: SOURCE(CLICKHOUSE(PASSWORD 'e'))", "dial clickhouse://u:***@host: SOURCE(CLICKHOUSE(PASSWORD '***'))"},
		{"calls", message, message},
		{"hunter22", "password hunter22 of 'hunter22'", "password *** of '***'"},
		{`it's a long one`, `PASSWORD 'it\'s a long one'`, "PASSWORD '***'"},
		{"", message, message},
	} {
		err := warehouse.Options{Password: c.password}.Scrub(errors.New(c.said))
		if err.Error() != c.want {
			t.Errorf("%q: %s", c.password, err)
		}
	}
}
