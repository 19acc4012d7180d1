package system

import (
	"fmt"
	"strconv"
	"testing"
)

// perNotification is what a notification may take on disk, in bytes.
const perNotification = 70

// TestDiskAtSize prints what a notification and a call take, column by column.
func TestDiskAtSize(t *testing.T) {
	s := openSize(t, *sizeLarge)
	fmt.Println("bytes a row on disk, without indexes and marks:")
	fmt.Println(askFormat(t, s.db, `SELECT table, count() AS columns, round(sum(bytes), 1) AS row,
			arrayStringConcat(arrayMap(x -> concat(x.2, ' ', toString(x.1)), arrayFilter(x -> x.1 >= 0.05, arrayReverseSort(groupArray((round(bytes, 1), column))))), ', ') AS by_column
		FROM (SELECT table, column, sum(column_data_compressed_bytes) / sum(rows) AS bytes
			FROM system.parts_columns WHERE active AND database = currentDatabase() AND table IN ('events', 'calls', 'legs', 'calls_by_client', 'call_keys', 'recordings')
			GROUP BY table, column)
		GROUP BY table ORDER BY indexOf(['events', 'calls', 'legs', 'calls_by_client', 'call_keys', 'recordings'], table) SETTINGS final = 0`, "TSVWithNames"))
	number := func(sql string) float64 {
		n, err := strconv.ParseFloat(askTSV(t, s.db, sql), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const parts = " FROM system.parts WHERE active AND database = currentDatabase() SETTINGS final = 0"
	each := number("SELECT sumIf(bytes_on_disk, table = 'events') / sumIf(rows, table = 'events')" + parts)
	call := number("SELECT sumIf(bytes_on_disk, table IN ('calls', 'legs', 'calls_by_client', 'call_keys')) / sumIf(rows, table = 'calls')" + parts)
	rollups := number("SELECT sumIf(bytes_on_disk, table NOT IN ('events', 'calls', 'legs', 'calls_by_client', 'call_keys', 'recordings')) / sumIf(rows, table = 'calls')" + parts)
	fmt.Printf("a call with its legs and keys takes %.0f bytes, all that is made of it for reports %.0f more\n", call, rollups)
	verdict(t, each > perNotification, "bytes on disk a notification, its raw body, indexes and marks included", "at most 70", "%.1f", each)
}
