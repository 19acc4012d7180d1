package seed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ClickHouse/ch-go/proto"
)

type counter struct{ atomic.Int64 }

// Rows sent in one block, and the least size of a part: big parts spare the
// engine merges, at the price of its memory.
const (
	blockRows = 16384
	partRows  = 1_000_000
	partBytes = 512 << 20
)

// server is ClickHouse's HTTP interface.
type server struct {
	client                            *http.Client
	address, user, password, database string
}

// do runs a query; body follows it, where it is an INSERT's.
func (s *server) do(ctx context.Context, query string, settings url.Values, body io.Reader) error {
	if settings == nil {
		settings = url.Values{}
	}
	settings.Set("database", s.database)
	settings.Set("query", query)
	if body == nil {
		body = http.NoBody
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+"/?"+settings.Encode(), body)
	if err != nil {
		return fmt.Errorf("seed: address %s: %w", s.address, err)
	}
	req.Header.Set("X-ClickHouse-User", s.user)
	req.Header.Set("X-ClickHouse-Key", s.password)
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("seed: ask ClickHouse: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("seed: read ClickHouse's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("seed: %s: ClickHouse answered %s: %s", query, resp.Status, strings.TrimSpace(string(answer)))
	}
	return nil
}

// stream is an INSERT that lasts for a month.
type stream struct {
	columns *columns
	sent    *counter
	pipe    *io.PipeWriter
	buffer  proto.Buffer
	done    chan error
}

// insert opens an INSERT into a staged table. It must be closed.
func (s *seeder) insert(ctx context.Context, table string, c *columns, sent *counter) *stream {
	names := make([]string, len(c.input))
	for i, col := range c.input {
		names[i] = col.Name
	}
	settings := url.Values{
		"min_insert_block_size_rows":  {strconv.Itoa(partRows)},
		"min_insert_block_size_bytes": {strconv.Itoa(partBytes)},
		"max_insert_threads":          {"1"},
		// A table of few rows may get none for long while the engine is busy with
		// the others.
		"http_receive_timeout": {"86400"},
		"receive_timeout":      {"86400"},
	}
	from, to := io.Pipe()
	st := &stream{columns: c, sent: sent, pipe: to, done: make(chan error, 1)}
	go func() {
		err := s.server.do(ctx, fmt.Sprintf("INSERT INTO %s (%s) FORMAT Native", staged(table), strings.Join(names, ", ")), settings, from)
		if err == nil {
			err = io.ErrClosedPipe // for a write after the end
		}
		from.CloseWithError(err)
		st.done <- err
	}()
	return st
}

// flush sends the rows gathered so far, if they are enough.
func (st *stream) flush(enough int) error {
	n := st.columns.rows
	if n == 0 || n < enough {
		return nil
	}
	st.buffer.Reset()
	block := proto.Block{Columns: len(st.columns.input), Rows: n}
	if err := block.EncodeRawBlock(&st.buffer, 0, st.columns.input); err != nil {
		return fmt.Errorf("seed: encode rows: %w", err)
	}
	if _, err := st.pipe.Write(st.buffer.Buf); err != nil {
		return err // of the INSERT
	}
	st.sent.Add(int64(n))
	st.columns.rows = 0
	st.columns.input.Reset()
	return nil
}

// close ends the INSERT: after nil its rows are stored. Given an error, the
// INSERT is broken off.
func (st *stream) close(err error) error {
	if err == nil {
		err = st.flush(0)
	}
	st.pipe.CloseWithError(err) // nil: the end
	if end := <-st.done; end != io.ErrClosedPipe {
		return end
	}
	return err
}
