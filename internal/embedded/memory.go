package embedded

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// The reader's memory, in bytes, where the machine has 16 GB or more.
const (
	readerMemory      = 4_000_000_000 // of all its queries together
	readerQueryMemory = 2_000_000_000
)

// engineMemory says how much memory ClickHouse may take, in bytes; 0 is no limit.
type engineMemory struct {
	Server, Reader, ReaderQuery int64
	ReaderSpill                 int64 // from here on a query's groups and sorting go to disk
}

// shareMemory gives the engine half of the machine's memory, since everything else
// runs here too, and the reader at most half of that: the engine refuses any
// insert whose memory would take it above its own limit.
func shareMemory(machine int64) engineMemory {
	m := engineMemory{Server: machine / 2, Reader: readerMemory, ReaderQuery: readerQueryMemory}
	if machine > 0 {
		m.Reader = min(m.Reader, machine/4)
	}
	m.ReaderQuery = min(m.ReaderQuery, m.Reader)
	m.ReaderSpill = m.ReaderQuery / 2
	return m
}

// machineMemory is the memory of this machine, or of the container around this
// process if that is less, in bytes; 0: not known.
func machineMemory() int64 {
	var total int64
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kib); err == nil {
			total = kib << 10
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// "max" is no number, and version 1 has 2^63 for it.
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 && (total == 0 || n < total) {
			total = n
		}
	}
	return total
}
