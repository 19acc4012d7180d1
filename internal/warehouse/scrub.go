package warehouse

import "strings"

// scrubbed has other words than the error that it stands for, whose chain it keeps.
type scrubbed struct {
	error
	words string
}

func (s scrubbed) Error() string { return s.words }
func (s scrubbed) Unwrap() error { return s.error }

// shortPassword is the length below which a password is hidden only where it stands as
// one: its letters alone may stand in any word, and a message that has lost them cannot be
// read.
const shortPassword = 8

// scrub hides passwords in the words of an error, and keeps its chain.
func (o Options) scrub(err error) error {
	if err == nil {
		return err
	}
	words := err.Error()
	for _, password := range []string{o.Password, o.DictionaryPassword} {
		words = hidden(words, password)
	}
	if words == err.Error() {
		return err
	}
	return scrubbed{err, words}
}

// hidden replaces a password: as it is, and as a statement or an address has it.
func hidden(words, password string) string {
	const mask = "***"
	if password == "" {
		return words
	}
	quoted := quoteText(password)
	words = strings.ReplaceAll(words, quoted, "'"+mask+"'")
	if len(password) < shortPassword {
		for _, around := range [][2]string{{":", "@"}, {"password=", ""}, {"password ", ""}, {`"`, `"`}} {
			words = strings.ReplaceAll(words, around[0]+password+around[1], around[0]+mask+around[1])
		}
		return words
	}
	words = strings.ReplaceAll(words, password, mask)
	return strings.ReplaceAll(words, strings.Trim(quoted, "'"), mask)
}
