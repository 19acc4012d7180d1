package exports_test

import (
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
	"fonoteka/internal/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

// The helpers of all tests of the warehouse.
var (
	open = warehousetest.Open
	ask  = warehousetest.Ask
	must = warehousetest.Must
	at   = warehousetest.At
)
