package verify

import (
	"context"
	"crypto/sha256"
	"io"
	"strconv"

	"fonoteka/internal/bagit"
	"fonoteka/internal/pack"
)

const maxDocument = 16 << 20

// documents reads the documents of a package, and holds them against each other.
func (c *check) documents(report *bagit.Report) {
	c.readQuery()
	c.readCalls()
	c.readLegs()
	c.readEvents()
	c.readFiles()
	c.readMissing()
	c.readCustody()
	c.counts(report)
}

func (c *check) readQuery() {
	if !c.marks.query {
		return // told already
	}
	doc, err := readAll(c.src, pack.QueryFile, maxDocument)
	if err == nil {
		err = pack.ReadDocument(doc, &c.query)
	}
	if err == nil {
		err = c.query.Check()
	}
	if err != nil {
		c.form(pack.QueryFile, err)
		c.query = pack.Query{}
		return
	}
	c.out.Package = &Package{Case: c.query.Case, Installation: c.query.Installation, FixedAt: c.query.FixedAt.Time, Counts: c.query.Counts}
	c.readProof(sha256.Sum256(doc))
}

func (c *check) readProof(query [sha256.Size]byte) {
	if !c.marks.parts[pack.ProofFile] {
		return
	}
	doc, err := readAll(c.src, pack.ProofFile, maxDocument)
	if err == nil {
		_, _, err = pack.ReadProof(doc, query, c.query)
	}
	if err != nil {
		c.f.fail(ProofWrong, pack.ProofFile, "it does not show where the sender's audit was: %v", "файл не показывает состояние журнала отправителя: %v", err)
	}
}

// form tells that a document is not as it must be.
func (c *check) form(name string, err error) {
	if c.ctx.Err() == nil {
		c.f.fail(DocumentForm, name, "it cannot be read as what it must be: %v", "файл записан не так, как должен: %v", err)
	}
}

// each opens a file of the package for a reader of its lines. One that is not there was
// told already.
func (c *check) each(name string, read func(io.Reader) error) bool {
	if !c.marks.parts[name] {
		return false
	}
	r, err := c.src.Open(name)
	if err != nil {
		c.form(name, err)
		return false
	}
	defer r.Close()
	if err := read(untilEnd{c.ctx, r}); err != nil {
		c.form(name, err)
		return false
	}
	return true
}

// untilEnd is a reader that ends with its context.
type untilEnd struct {
	ctx context.Context
	r   io.Reader
}

func (u untilEnd) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// counts holds numbers against what is there.
func (c *check) counts(report *bagit.Report) {
	said := c.query.Counts
	if c.query.Schema != "" {
		for _, n := range []struct {
			what      string
			said, are int
			read      bool
		}{
			{"calls", said.Calls, len(c.calls.all), c.calls.read},
			{"unanswered", said.Unanswered, c.calls.unanswered, c.calls.read},
			{"legs", said.Legs, c.calls.legs, c.calls.readLegs},
			{"events", said.Events, c.calls.events, c.calls.readEvents},
			{"recordings", said.Recordings, len(c.sound), c.calls.readFiles},
		} {
			if n.read && n.said != n.are {
				c.f.fail(CountMismatch, pack.QueryFile, "it counts %[2]d %[1]s, and %[3]d are there", "в нём указано %[2]d (%[1]s), а есть %[3]d", n.what, n.said, n.are)
			}
		}
	}
	for label, are := range map[string]int{
		pack.LabelCalls: len(c.calls.all), pack.LabelUnanswered: c.calls.unanswered, pack.LabelRecordings: len(c.sound),
		pack.LabelMissing: c.calls.missing, pack.LabelQuarantined: c.calls.quarantined,
	} {
		value, ok := report.Field(label)
		if n, err := strconv.Atoi(value); c.calls.read && c.calls.readFiles && c.calls.readMissing && (!ok || err != nil || n != are) {
			c.f.fail(CountMismatch, "bag-info.txt", "%s is %q, and %d are there", "%s – %q, а есть %d", label, value, are)
		}
	}
}
