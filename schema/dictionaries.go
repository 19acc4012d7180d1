package schema

import (
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
)

//go:embed dictionaries/*.sql
var dictionaries embed.FS

// A Dictionary is a statement that makes a dictionary, or replaces it.
type Dictionary struct {
	After     int64  // the migration that makes its source; later ones may use it
	Statement string // with Credentials in it
}

// Credentials stands in a dictionary's statement where USER and PASSWORD of its
// source belong.
const Credentials = "{credentials}"

// Dictionaries are dictionaries/NNNNN_name.sql, by number. They are no
// migrations: the server reads their sources as a user, whose name and password
// must be in the statement (SHOW CREATE hides the password), and a password
// changes. So they are made anew whenever migrations run. Named collections
// were rejected: a server of one's own seldom lets its users make one.
//
// Each names the server itself by address: a confined engine finds no name, and a
// name may mean an address that the user is not allowed from. No connection is made.
func Dictionaries() ([]Dictionary, error) {
	files, err := dictionaries.ReadDir("dictionaries")
	if err != nil {
		return nil, err
	}
	var out []Dictionary
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		after, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("dictionary %s: want NNNNN_name.sql", f.Name())
		}
		text, err := dictionaries.ReadFile(path.Join("dictionaries", f.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, Dictionary{after, string(text)})
	}
	return out, nil
}
