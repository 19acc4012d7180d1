-- +goose NO TRANSACTION
-- +goose Up

-- Who called, by local day and number, as states that merge: how many different
-- clients called in any days, at any numbers.
CREATE TABLE IF NOT EXISTS daily_callers
(
    started_at      DateTime('UTC') COMMENT 'start of the local day' CODEC(Delta(4), ZSTD(1)),
    utc_day         Date CODEC(Delta(2), ZSTD(1)),
    local_day       Date CODEC(Delta(2), ZSTD(1)),
    weekday         UInt8,
    working         Bool,
    integration     LowCardinality(String),
    external_number LowCardinality(String),
    callers         AggregateFunction(uniq, String) CODEC(NONE),
    version         UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, external_number, working, utc_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW live_daily_callers AS
SELECT
    toDateTime(toInt64(toUnixTimestamp(toDateTime(d.local_day, 'UTC'))) - z.utc_offset_s, 'UTC') AS started_at,
    d.* EXCEPT at
FROM
(
    SELECT
        toDate(c.started_at) AS utc_day, c.local_day AS local_day, c.weekday AS weekday, c.working AS working,
        c.integration AS integration, c.external_number AS external_number, uniqState(c.client_number) AS callers,
        toInt64(toUnixTimestamp(toDateTime(local_day, 'UTC'))) AS at
    FROM report_calls AS c
    WHERE c.direction = 'incoming' AND c.client_number != ''
    GROUP BY utc_day, local_day, weekday, working, integration, external_number
) AS d
ASOF LEFT JOIN live_offsets AS z ON toString(d.integration) = z.integration AND d.at >= z.local_since
SETTINGS join_use_nulls = 0;

CREATE OR REPLACE VIEW report_unique_callers AS
SELECT started_at, local_day, weekday, working, integration, external_number, callers
FROM daily_callers FINAL;

-- Which workplace each account was taken for when its day (UTC) was rolled up:
-- where the directory says otherwise now, and only there, the day is rolled up
-- again. A new phone, which has no calls yet, changes nothing.
CREATE TABLE IF NOT EXISTS daily_accounts
(
    utc_day     Date CODEC(Delta(2), ZSTD(1)),
    integration LowCardinality(String),
    account_id  LowCardinality(String),
    workplace   LowCardinality(String),
    first_at    DateTime64(3, 'UTC') COMMENT 'start of its first call' CODEC(Delta(8), ZSTD(1)),
    last_at     DateTime64(3, 'UTC') COMMENT 'and of its last' CODEC(Delta(8), ZSTD(1)),
    version     UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted  UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYear(utc_day)
ORDER BY (utc_day, integration, account_id, workplace)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

CREATE OR REPLACE VIEW live_daily_accounts AS
WITH dictGet('directory_account', 'workplace', (toString(l.integration), toString(l.account_id)), l.started_at) AS known
SELECT
    toDate(l.started_at) AS utc_day, l.integration AS integration, l.account_id AS account_id,
    if(known = '', toString(l.account_id), known) AS workplace, min(l.started_at) AS first_at, max(l.started_at) AS last_at
FROM legs AS l FINAL
WHERE l.kind = 'workplace'
GROUP BY utc_day, integration, account_id, workplace;

-- A month that was rolled up again holds all its rows twice until it is merged:
-- soon, as these are small.
ALTER TABLE hourly_calls MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE hourly_workplaces MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE daily_workplaces MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE longest_waits MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE missed_calls MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE hourly_callbacks MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE hourly_callers MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE hourly_recordings MODIFY SETTING min_age_to_force_merge_seconds = 120;

-- Every day has to be worked out anew.
INSERT INTO rollup_days (name, day, fingerprint, version)
SELECT name, day, 1, version + 1 FROM rollup_days FINAL WHERE name = 'calls';
