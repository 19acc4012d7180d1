package embedded

import "testing"

func TestTheReaderLeavesHalfOfTheEnginesMemoryToTheWriter(t *testing.T) {
	t.Parallel()
	for machine, want := range map[int64]engineMemory{
		64 << 30:       {Server: 32 << 30, Reader: 4_000_000_000, ReaderQuery: 2_000_000_000, ReaderSpill: 1_000_000_000},
		16_000_000_000: {Server: 8_000_000_000, Reader: 4_000_000_000, ReaderQuery: 2_000_000_000, ReaderSpill: 1_000_000_000},
		8_000_000_000:  {Server: 4_000_000_000, Reader: 2_000_000_000, ReaderQuery: 2_000_000_000, ReaderSpill: 1_000_000_000},
		2_000_000_000:  {Server: 1_000_000_000, Reader: 500_000_000, ReaderQuery: 500_000_000, ReaderSpill: 250_000_000},
		0:              {Server: 0, Reader: 4_000_000_000, ReaderQuery: 2_000_000_000, ReaderSpill: 1_000_000_000},
	} {
		if got := shareMemory(machine); got != want {
			t.Errorf("of %d bytes: %+v, want %+v", machine, got, want)
		}
	}
	if machineMemory() <= 0 {
		t.Error("this machine's memory is not known")
	}
}
