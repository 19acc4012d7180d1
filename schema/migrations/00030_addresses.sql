-- +goose NO TRANSACTION
-- +goose Up

-- Where people reach this installation, so that a link in a dashboard leads
-- there. Written by serve at its start.
CREATE TABLE IF NOT EXISTS addresses
(
    name    LowCardinality(String) COMMENT 'recordings: the address before /recordings/ID',
    url     String COMMENT 'without a slash at its end',
    version UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
