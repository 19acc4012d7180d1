-- What the reports go by, one row per integration and change of its zone's
-- offset, so that one ASOF join gives every call its local time. Written by
-- serve from the configuration. Arrays have seven members, Monday first.
CREATE TABLE IF NOT EXISTS report_settings
(
    integration       LowCardinality(String),
    since             DateTime('UTC') COMMENT 'the offset holds from then on',
    zone              LowCardinality(String) COMMENT 'of the company, such as Europe/Moscow',
    utc_offset_s      Int32 COMMENT 'seconds to add to UTC',
    work_from         Array(UInt16) COMMENT 'minute of the day when work begins',
    work_to           Array(UInt16) COMMENT 'minute of the day when it ends, 0: no work that day',
    short_day_minutes UInt16 COMMENT 'that a shortened day is shorter',
    service_level_s   UInt16 COMMENT 'seconds within which a call should be answered',
    callback_days     UInt16 COMMENT 'days in which a missed call can be called back',
    repeat_hours      UInt16 COMMENT 'hours in which the next call of a client is a repeated one',
    version           UInt64,
    is_deleted        UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, since)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Days that differ from their weekday: the production calendar of the country,
-- the same for every integration.
CREATE TABLE IF NOT EXISTS calendar
(
    day        Date,
    kind       LowCardinality(String) COMMENT 'holiday: no work, working: work on a day that is else free, short: an hour less',
    version    UInt64,
    is_deleted UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY day
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

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
