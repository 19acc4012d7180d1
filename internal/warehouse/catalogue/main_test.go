package catalogue_test

import (
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// The helpers of all tests of the warehouse.
var (
	options   = warehousetest.Options
	migrated  = warehousetest.Migrated
	open      = warehousetest.Open
	ask       = warehousetest.Ask
	must      = warehousetest.Must
	at        = warehousetest.At
	record    = warehousetest.Record
	recording = warehousetest.Recording
)
