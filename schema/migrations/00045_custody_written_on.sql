-- +goose NO TRANSACTION
-- +goose Up

-- The day on which a step was written, by the writer's clock. It is what the
-- custody is sealed by: a step may be written long after its own time (at), as
-- after an outage, but nothing is written on a day that is over. It is in the key,
-- so that what was sealed stays a row of its own where the same step is written
-- again on a later day. The only changes of a key that need no copy of the table
-- are new columns without a default: rows from before have 1970-01-01.
ALTER TABLE custody
    ADD COLUMN IF NOT EXISTS written_on Date COMMENT 'day on which the step was written (UTC); 1970-01-01: before days were noted' CODEC(ZSTD(1)),
    MODIFY ORDER BY (integration, recording_id, at, step, attempt, sha256, detail, written_on);
