package seed

import (
	"bytes"
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

// blockRows are encoded at a time. sendBytes are gathered for an INSERT, which
// makes one part of each month: big parts spare the engine merges, at the price
// of its memory and ours. An INSERT that lasts while rows are made was rejected:
// the engine gives up a connection that is silent for 30 s, and that of a small
// table is while a busy engine takes the rows of a large one.
const (
	blockRows = 16384
	sendBytes = 64 << 20
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

// sink gathers a table's rows and inserts them.
type sink struct {
	server  *server
	insert  string
	columns *columns
	sent    *counter
	buffer  proto.Buffer // whole blocks
	rows    int          // in it
}

func (s *seeder) newSink(table string, c *columns, sent *counter) *sink {
	names := make([]string, len(c.input))
	for i, col := range c.input {
		names[i] = col.Name
	}
	return &sink{
		server: &s.server, columns: c, sent: sent,
		insert: fmt.Sprintf("INSERT INTO %s (%s) FORMAT Native", staged(table), strings.Join(names, ", ")),
	}
}

// flush encodes the rows gathered so far, if they are a block, and sends the
// blocks, if they are enough.
func (k *sink) flush(ctx context.Context) error {
	if k.columns.rows < blockRows {
		return nil
	}
	if err := k.encode(); err != nil {
		return err
	}
	if len(k.buffer.Buf) < sendBytes {
		return nil
	}
	return k.send(ctx)
}

func (k *sink) encode() error {
	block := proto.Block{Columns: len(k.columns.input), Rows: k.columns.rows}
	if err := block.EncodeRawBlock(&k.buffer, 0, k.columns.input); err != nil {
		return fmt.Errorf("seed: encode rows: %w", err)
	}
	k.rows += k.columns.rows
	k.columns.rows = 0
	k.columns.input.Reset()
	return nil
}

// send inserts what was gathered: after nil it is stored.
func (k *sink) send(ctx context.Context) error {
	if k.columns.rows > 0 {
		if err := k.encode(); err != nil {
			return err
		}
	}
	if k.rows == 0 {
		return nil
	}
	settings := url.Values{
		"min_insert_block_size_rows":  {strconv.Itoa(k.rows)},
		"min_insert_block_size_bytes": {strconv.Itoa(4 * sendBytes)}, // in memory rows are larger
		"max_insert_threads":          {"1"},
	}
	if err := k.server.do(ctx, k.insert, settings, bytes.NewReader(k.buffer.Buf)); err != nil {
		return err
	}
	k.sent.Add(int64(k.rows))
	k.rows = 0
	k.buffer.Reset()
	return nil
}
