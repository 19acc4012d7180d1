package verify

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"fonoteka/internal/audio"
	"fonoteka/internal/pack"
)

type recordingID struct{ integration, id string }

// recording is what recordings.csv says of one.
type recording struct {
	played  bool
	steps   int
	head    string
	digests []string // of its files
}

// readFiles holds recordings.csv against the files that are there.
func (c *check) readFiles() {
	rows := map[string]bool{}
	c.calls.readFiles = c.each(pack.FilesFile, func(r io.Reader) error {
		return pack.EachFile(r, func(f pack.File) error {
			id := recordingID{f.Integration, f.RecordingID}
			known, again := c.sound[id]
			switch {
			case again && (known.head != f.Head || known.steps != f.Steps):
				c.f.fail(CustodyOther, pack.FilesFile, "the rows of recording %s name different chains of custody", "строки записи %s указывают разные цепочки хранения", f.RecordingID)
			case f.Role == pack.Played && known.played:
				c.f.fail(FileOther, pack.FilesFile, "recording %s has two files that are played", "у записи %s два основных файла", f.RecordingID)
			}
			known.played = known.played || f.Role == pack.Played
			known.steps, known.head = f.Steps, f.Head
			if f.Role == pack.Damaged || f.Role == pack.LeftOut {
				c.calls.quarantined++
			}
			if f.Role.HasFile() {
				known.digests = append(known.digests, f.SHA256)
				rows[f.Path] = true
				c.compareFile(f)
			}
			c.sound[id] = known
			return nil
		})
	})
	if !c.calls.readFiles {
		return
	}
	for name := range c.marks.parts {
		if pack.IsSound(name) && !rows[name] {
			c.f.fail(FileUnknown, name, "recordings.csv does not have this file", "этого файла нет в recordings.csv")
		}
	}
	if c.calls.read {
		for id, state := range c.calls.all {
			for _, r := range state.recordings {
				if _, ok := c.sound[recordingID{id.integration, r}]; !ok {
					c.f.fail(RecordingUnknown, pack.CallsFile, "call %d of %q names recording %s, which recordings.csv does not have", "звонок %d (%q) указывает запись %s, которой нет в recordings.csv", id.id, id.integration, r)
				}
			}
		}
	}
}

// compareFile holds a row against its file. A file that is not what the manifests say, or
// not there, was told already.
func (c *check) compareFile(f pack.File) {
	is, ok := c.files[f.Path]
	if !ok {
		if !c.marks.parts[f.Path] {
			c.f.fail(PartMissing, f.Path, "recordings.csv names this file, and it is not there", "recordings.csv указывает этот файл, а его нет")
		}
		return
	}
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	switch id, _, _ := strings.Cut(name, "."); {
	case hex.EncodeToString(is.sha256[:]) != f.SHA256 || is.size != f.Bytes:
		c.f.fail(FileOther, f.Path, "recordings.csv says %d bytes with sha256 %s, it has %d with %x", "recordings.csv указывает %d байт с sha256 %s, а в файле %d с %x", f.Bytes, f.SHA256, is.size, is.sha256)
	case id != f.RecordingID, path.Ext(f.Path) != "."+f.Format, pack.InQuarantine(f.Path) != (f.Role == pack.Damaged):
		c.f.fail(FileOther, f.Path, "recordings.csv names it as a file of another recording, format or kind", "recordings.csv указывает этот файл как файл другой записи, другого формата или вида")
	}
}

// sounds checks each recording by the check of its format. What lies in quarantine is
// damaged, and is not checked.
func (c *check) sounds() error {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if pack.IsSound(name) && !pack.InQuarantine(name) {
			names = append(names, name)
		}
	}
	work := make(chan string)
	var readers sync.WaitGroup
	for range max(c.opts.Parallel, 1) {
		readers.Go(func() {
			for name := range work {
				c.checkSound(name)
			}
		})
	}
	for _, name := range names {
		if c.ctx.Err() != nil {
			break
		}
		work <- name
	}
	close(work)
	readers.Wait()
	return c.ctx.Err()
}

func (c *check) checkSound(name string) {
	r, err := c.src.Open(name)
	if err == nil {
		defer r.Close()
		var res audio.Result
		res, err = audio.Verify(untilEnd{c.ctx, r})
		if format, ok := audio.OfKey(name); err == nil && (!ok || res.Format != format) {
			err = fmt.Errorf("%w: it is %s", errOtherFormat, res.Format.Name())
		}
	}
	switch {
	case err == nil || c.ctx.Err() != nil:
	case errors.Is(err, audio.ErrUnverifiable):
		c.f.note(AudioUnchecked, name, "whether it is whole cannot be told in its format; its digests are right", "в этом формате нельзя проверить, целая ли запись; её контрольные суммы верны")
	default:
		c.f.fail(AudioDamaged, name, "it is not a whole recording of its format: %v", "это не целая запись своего формата: %v", err)
	}
}

var errOtherFormat = errors.New("its name says another format")

// readCustody checks the chains, and holds them against recordings.csv and the files.
func (c *check) readCustody() {
	seen := map[recordingID]bool{}
	ok := c.custodyLines(func(h pack.Custody) error {
		id := recordingID{h.Integration, h.RecordingID}
		seen[id] = true
		r, known := c.sound[id]
		switch {
		case !c.calls.readFiles:
		case !known:
			c.f.fail(RecordingUnknown, pack.CustodyFile, "it tells of recording %s, which recordings.csv does not have", "в нём есть запись %s, которой нет в recordings.csv", h.RecordingID)
		case r.steps != len(h.Steps) || r.head != h.Head:
			c.f.fail(CustodyOther, pack.CustodyFile, "the chain of recording %s has %d steps and is not the one that recordings.csv names: steps were changed, taken off or put on at its end", "цепочка записи %s из %d шагов – не та, что указана в recordings.csv: шаги изменены, отброшены или добавлены в конце", h.RecordingID, len(h.Steps))
		default:
			c.told(h, r)
		}
		return nil
	})
	if !ok || !c.calls.readFiles {
		return
	}
	for id, r := range c.sound {
		if r.steps > 0 && !seen[id] {
			c.f.fail(CustodyOther, pack.CustodyFile, "the chain of recording %s is not there", "цепочки записи %s нет", id.id)
		}
	}
}

// told sees to it that custody tells of each file of a recording.
func (c *check) told(h pack.Custody, r recording) {
	for _, digest := range r.digests {
		if len(h.Steps) > 0 && !slices.ContainsFunc(h.Steps, func(s pack.Step) bool { return s.SHA256 == digest }) {
			c.f.fail(CustodyOther, pack.CustodyFile, "no step of recording %s is about its file with sha256 %s", "ни один шаг записи %s не говорит о её файле с sha256 %s", h.RecordingID, digest)
		}
	}
}

func (c *check) custodyLines(fn func(pack.Custody) error) bool {
	if !c.marks.parts[pack.CustodyFile] {
		return false
	}
	r, err := c.src.Open(pack.CustodyFile)
	if err == nil {
		defer r.Close()
		err = pack.EachCustody(untilEnd{c.ctx, r}, fn)
	}
	if err != nil && c.ctx.Err() == nil {
		c.f.fail(CustodyBroken, pack.CustodyFile, "a chain of custody does not hold: %v", "цепочка хранения нарушена: %v", err)
	}
	return err == nil
}
