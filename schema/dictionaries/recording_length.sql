-- How long a recording plays, 0 where none is archived:
--   dictGet('recording_length', 'duration_ms', (integration, recording_id))
-- It holds nothing and asks the catalogue for the recordings of a block: for a few
-- calls of a report. Recordings are too many to be held, and a join would stand
-- between the report and its order.
CREATE OR REPLACE DICTIONARY recording_length
(
    integration  String,
    recording_id String,
    duration_ms  UInt32
)
PRIMARY KEY integration, recording_id
SOURCE(CLICKHOUSE(HOST '127.0.0.1' {credentials} TABLE 'recording_lengths'))
LAYOUT(COMPLEX_KEY_DIRECT())
COMMENT 'how long a recording plays'
