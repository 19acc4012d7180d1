package main

import (
	"fmt"

	"fonoteka/internal/audit"
	"fonoteka/internal/daemon"
	"fonoteka/internal/doctor"
	inst "fonoteka/internal/installation"
	"fonoteka/internal/relay"
	"fonoteka/internal/settings"
	"fonoteka/internal/state"
)

// The names by which tests of whole installations call what lies in rooms below.

const (
	bucketName       = inst.BucketName
	warehouseCursor  = relay.WarehouseCursor
	recordingsCursor = relay.RecordingsCursor
)

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

type config struct{ data string }

func (c *config) blobURL(v state.Values) string {
	return inst.BlobURL(&settings.Config{Data: c.data}, v)
}

func (c *config) memory() audit.Memory { return inst.Memory(&settings.Config{Data: c.data}) }

const jobsPerWorker = daemon.JobsPerWorker

var askClickHouse = doctor.ClickHouse
