package installation

import (
	"testing"

	"fonoteka/internal/embedded/embeddedtest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }
