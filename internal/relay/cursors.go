package relay

// The spool's cursors: rows for the warehouse, and jobs for recordings.
const (
	WarehouseCursor  = "warehouse"
	RecordingsCursor = "recordings"
)
