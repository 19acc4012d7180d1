-- The rollups: what reports over long times read instead of calls. They are
-- worked out again from calls, a day (UTC) at a time, as soon as its calls have
-- changed, and never summed up by a view, for which each version of a call would
-- count. A row that a day has no longer is written once more with is_deleted = 1.
-- A day is rolled up when its fingerprint here is that of its calls. A month that
-- was rolled up again holds all its rows twice until it is merged: soon, as these
-- tables are small (min_age_to_force_merge_seconds).
CREATE TABLE IF NOT EXISTS rollup_days
(
    name        LowCardinality(String) COMMENT 'which rollup: calls, callers, durations or recordings',
    day         Date COMMENT 'UTC',
    fingerprint UInt64 COMMENT 'of the day''s calls and of what else went into it, when it was rolled up',
    version     UInt64 COMMENT 'unix microseconds of rolling up',
    updated_at  DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (name, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Calls by hour and external number. Durations are sums unless they say else.
CREATE TABLE IF NOT EXISTS hourly_calls
(
    started_at                DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration               LowCardinality(String),
    external_number           LowCardinality(String) COMMENT 'digits',
    local_hour                UInt8 COMMENT 'of the company''s clock',
    working                   Bool COMMENT 'the calls began in working time',
    local_day                 Date COMMENT 'of the company''s clock' CODEC(Delta(2), ZSTD(1)),
    weekday                   UInt8 COMMENT '1 Monday to 7 Sunday, of the company''s clock',
    calls                     UInt32 COMMENT 'of every direction',
    received                  UInt32 COMMENT 'incoming calls from outside that are decided: answered + missed + short_abandons',
    answered                  UInt32 COMMENT 'of received',
    missed                    UInt32 COMMENT 'of received: not answered, and waited for long enough',
    short_abandons            UInt32 COMMENT 'of received: not answered, and given up too soon to be answered',
    outgoing                  UInt32,
    reached                   UInt32 COMMENT 'of outgoing: answered',
    internal                  UInt32,
    hidden                    UInt32 COMMENT 'incoming calls without a client number',
    transferred               UInt32 COMMENT 'incoming calls at two workplaces or more, one after the other',
    incoming_talk_ms          UInt64,
    outgoing_talk_ms          UInt64,
    answered_wait_ms          UInt64 COMMENT 'wait of the answered_waits',
    answered_waits            UInt32 COMMENT 'answered calls whose wait is known',
    missed_wait_ms            UInt64 COMMENT 'wait of the missed_waits',
    missed_waits              UInt32 COMMENT 'missed calls whose wait is known',
    longest_wait_ms           UInt32 COMMENT 'the longest of one incoming call',
    answered_in_10s           UInt32 COMMENT 'of answered_waits, likewise the next',
    answered_in_20s           UInt32,
    answered_in_30s           UInt32,
    answered_in_60s           UInt32,
    answered_in_target        UInt32 COMMENT 'within target_s',
    target_s                  UInt16 COMMENT 'seconds, the configured service level',
    all_answered              UInt32 COMMENT 'of calls of every direction',
    answered_external         UInt32 COMMENT 'with a client and with talk: what should be recorded',
    answered_without_recording UInt32 COMMENT 'of answered_external',
    going_on                  UInt32 COMMENT 'no end so far',
    without_end               UInt32 COMMENT 'ended by inference',
    start_inexact             UInt32,
    end_inexact               UInt32 COMMENT 'answered calls whose end rests on receive times',
    talk_inexact              UInt32,
    answered_by_duration      UInt32,
    bad_times                 UInt32,
    direction_unknown         UInt32,
    outcome_unknown           UInt32,
    number_unknown            UInt32 COMMENT 'incoming calls whose external number is not known',
    first_call_at             DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    last_call_at              DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version                   UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted                UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, external_number, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- The first and the last call of each hour: spans of silence are looked for in
-- all of history, whatever the external numbers.
CREATE TABLE IF NOT EXISTS hourly_starts
(
    started_at    DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration   LowCardinality(String),
    first_call_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    last_call_at  DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version       UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted    UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (started_at, integration)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What report_daily adds up. A row bears the start of its local day and the day
-- (UTC) whose calls it counts: a local day has calls of two of these, and each is
-- worked out by itself. daily_durations likewise.
CREATE TABLE IF NOT EXISTS daily_calls
(
    started_at         DateTime('UTC') COMMENT 'start of the local day' CODEC(Delta(4), ZSTD(1)),
    utc_day            Date CODEC(Delta(2), ZSTD(1)),
    local_day          Date CODEC(Delta(2), ZSTD(1)),
    integration        LowCardinality(String),
    received           UInt32,
    answered           UInt32,
    missed             UInt32,
    short_abandons     UInt32,
    outgoing           UInt32,
    reached            UInt32,
    internal           UInt32,
    incoming_talk_ms   UInt64,
    outgoing_talk_ms   UInt64,
    answered_wait_ms   UInt64,
    answered_waits     UInt32,
    answered_in_target UInt32,
    target_s           UInt16,
    longest_wait_ms    UInt32,
    version            UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted         UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, utc_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- How many calls took how long, by local day: a row has all durations of one
-- kind, a thirtieth of the rows that one for each took. durations_ms is rounded
-- to the next second below a minute, then to 5 seconds below ten minutes, 30
-- seconds below an hour, and 5 minutes.
CREATE TABLE IF NOT EXISTS daily_durations
(
    started_at      DateTime('UTC') COMMENT 'start of the local day' CODEC(Delta(4), ZSTD(1)),
    utc_day         Date CODEC(Delta(2), ZSTD(1)),
    local_day       Date CODEC(Delta(2), ZSTD(1)),
    integration     LowCardinality(String),
    external_number LowCardinality(String),
    direction       LowCardinality(String),
    measure         LowCardinality(String) COMMENT 'wait, ring, talk or missed wait',
    durations_ms    Array(UInt32) COMMENT 'each once, rising',
    calls           Array(UInt32) COMMENT 'how many took each' CODEC(T64, ZSTD(1)),
    version         UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (measure, started_at, integration, external_number, direction, utc_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- What each workplace did, by hour.
CREATE TABLE IF NOT EXISTS hourly_workplaces
(
    started_at           DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration          LowCardinality(String),
    workplace            LowCardinality(String) COMMENT 'SIP id, of the terminal where the directory knows no workplace',
    local_hour           UInt8,
    working              Bool,
    local_day            Date CODEC(Delta(2), ZSTD(1)),
    weekday              UInt8,
    rang                 UInt32 COMMENT 'incoming calls that rang here, on however many phones',
    answered             UInt32 COMMENT 'incoming calls that talked here',
    missed               UInt32 COMMENT 'incoming calls that rang here and were answered nowhere',
    outgoing             UInt32 COMMENT 'calls made from here',
    reached              UInt32 COMMENT 'of outgoing: answered',
    internal             UInt32 COMMENT 'internal calls that talked here',
    transfers            UInt32 COMMENT 'calls that talked here and then elsewhere',
    incoming_talk_ms     UInt64,
    outgoing_talk_ms     UInt64,
    internal_talk_ms     UInt64,
    answered_ring_ms     UInt64 COMMENT 'ring of the answered_rings',
    answered_rings       UInt32 COMMENT 'answered here, and it is known how long it rang here',
    calls_received       UInt32 COMMENT 'received calls that belong here: it talked first, else rang first',
    calls_answered       UInt32,
    calls_missed         UInt32,
    calls_short_abandons UInt32,
    version              UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted           UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, workplace, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- What each workplace did, by day: a tenth of hourly_workplaces.
CREATE TABLE IF NOT EXISTS daily_workplaces
(
    started_at           DateTime('UTC') COMMENT 'the day''s start' CODEC(Delta(4), ZSTD(1)),
    integration          LowCardinality(String),
    workplace            LowCardinality(String) COMMENT 'SIP id, of the terminal where the directory knows no workplace',
    working              Bool,
    local_day            Date CODEC(Delta(2), ZSTD(1)),
    weekday              UInt8,
    rang                 UInt32,
    answered             UInt32,
    missed               UInt32,
    outgoing             UInt32,
    reached              UInt32,
    internal             UInt32,
    transfers            UInt32,
    incoming_talk_ms     UInt64,
    outgoing_talk_ms     UInt64,
    internal_talk_ms     UInt64,
    answered_ring_ms     UInt64,
    answered_rings       UInt32,
    calls_received       UInt32,
    calls_answered       UInt32,
    calls_missed         UInt32,
    calls_short_abandons UInt32,
    answered_by_hour     Array(UInt32) COMMENT 'answered by local hour, 24 of them',
    version              UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted           UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, workplace, working, local_day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- What each department did, by hour. The name is that of the hour, so that a
-- change of departments works all hours out again: two seconds for 1.5 million
-- rows of workplaces, which to look up and add up at each question takes 400 ms.
CREATE TABLE IF NOT EXISTS hourly_departments
(
    started_at       DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration      LowCardinality(String),
    department       LowCardinality(String) COMMENT 'empty: none',
    local_hour       UInt8,
    working          Bool,
    local_day        Date CODEC(Delta(2), ZSTD(1)),
    weekday          UInt8,
    received         UInt32,
    answered         UInt32,
    missed           UInt32,
    short_abandons   UInt32,
    nowhere          UInt32 COMMENT 'of received: rang at no workplace',
    outgoing         UInt32,
    reached          UInt32,
    transfers        UInt32,
    incoming_talk_ms UInt64,
    outgoing_talk_ms UInt64,
    version          UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, department, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

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

-- The 20 incoming calls of each day (UTC) and external number that waited longest.
CREATE TABLE IF NOT EXISTS longest_waits
(
    started_at      DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    integration     LowCardinality(String),
    call_id         UInt64,
    local_time      DateTime64(3, 'UTC') COMMENT 'the company''s wall clock',
    working         Bool,
    client_number   String,
    external_number LowCardinality(String),
    workplace       LowCardinality(String),
    outcome         LowCardinality(String),
    wait_ms         UInt32,
    version         UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, call_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- Each missed call, and what came of it within callback_days.
CREATE TABLE IF NOT EXISTS missed_calls
(
    started_at       DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    integration      LowCardinality(String),
    call_id          UInt64,
    local_time       DateTime64(3, 'UTC') COMMENT 'the company''s wall clock' CODEC(Delta(8), ZSTD(1)),
    weekday          UInt8,
    working          Bool,
    client_number    String COMMENT 'digits, empty: hidden',
    external_number  LowCardinality(String),
    workplace        LowCardinality(String) COMMENT 'that rang first',
    wait_ms          Nullable(UInt32),
    missed_at        DateTime64(3, 'UTC') COMMENT 'when the client gave up' CODEC(Delta(8), ZSTD(1)),
    called_back_at   Nullable(DateTime64(3, 'UTC')) COMMENT 'our first try after it, answered or not',
    last_try_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'our last try until somebody spoke or it lapsed',
    closed_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'start of the first answered call with the client after it',
    closed_by        LowCardinality(String) COMMENT 'us, client, or empty: nobody',
    closed_call_id   UInt64,
    closed_workplace LowCardinality(String),
    open_until       DateTime64(3, 'UTC') COMMENT 'what comes later is no answer to it any more' CODEC(Delta(8), ZSTD(1)),
    version          UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted       UInt8,
    -- Finds what can be called back now without reading the days before.
    INDEX open_until open_until TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, call_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- Missed calls and what came of them, by hour and external number. What is
-- still open depends on the time of asking: of each call that is not closed it
-- says until when it is.
CREATE TABLE IF NOT EXISTS hourly_callbacks
(
    started_at       DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration      LowCardinality(String),
    external_number  LowCardinality(String),
    local_hour       UInt8,
    working          Bool,
    local_day        Date CODEC(Delta(2), ZSTD(1)),
    weekday          UInt8,
    missed           UInt32,
    hidden           UInt32 COMMENT 'of missed: without a number',
    called_back      UInt32 COMMENT 'closed by a call of ours',
    came_back        UInt32 COMMENT 'closed by the client',
    open_until       Array(DateTime64(3, 'UTC')) COMMENT 'of those that nobody closed',
    attempted        UInt32,
    attempted_in_15m UInt32,
    attempted_in_60m UInt32,
    to_callback_ms   UInt64,
    to_close_ms      UInt64,
    version          UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted       UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, external_number, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- Clients who called, by hour.
CREATE TABLE IF NOT EXISTS hourly_callers
(
    started_at      DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration     LowCardinality(String),
    external_number LowCardinality(String),
    local_hour      UInt8,
    working         Bool,
    local_day       Date CODEC(Delta(2), ZSTD(1)),
    weekday         UInt8,
    calls           UInt32 COMMENT 'incoming, of clients that are known by their number',
    hidden          UInt32 COMMENT 'incoming, of others',
    callers         UInt32 COMMENT 'clients, each counted with its first call of the local day',
    new_callers     UInt32 COMMENT 'clients with whom no call of any direction was known before',
    repeated_calls  UInt32 COMMENT 'calls of a client who had called within repeat_hours',
    version         UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, external_number, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- Recordings of answered calls, by hour of the call.
CREATE TABLE IF NOT EXISTS hourly_recordings
(
    started_at      DateTime('UTC') COMMENT 'the hour''s start' CODEC(Delta(4), ZSTD(1)),
    integration     LowCardinality(String),
    external_number LowCardinality(String),
    local_hour      UInt8,
    working         Bool,
    local_day       Date CODEC(Delta(2), ZSTD(1)),
    weekday         UInt8,
    answered        UInt32 COMMENT 'with a client and with talk: what should be recorded',
    recorded        UInt32 COMMENT 'of answered: with a recording or more',
    not_recorded    UInt32 COMMENT 'of answered: without',
    recordings      UInt32,
    archived        UInt32 COMMENT 'of recordings: stored',
    waiting         UInt32 COMMENT 'of recordings: still to be fetched',
    quarantined     UInt32 COMMENT 'of recordings: came damaged, kept apart and tried again',
    lost            UInt32 COMMENT 'of recordings: given up after their expiry',
    erased          UInt32 COMMENT 'of recordings',
    bytes           UInt64 COMMENT 'of what is archived',
    version         UInt64 CODEC(Delta(8), ZSTD(1)),
    is_deleted      UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (started_at, integration, external_number, local_hour, working)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1,
    min_age_to_force_merge_seconds = 120, min_age_to_force_merge_on_partition_only = 1;

-- Recordings whose call is not known.
CREATE TABLE IF NOT EXISTS orphan_recordings
(
    integration  LowCardinality(String),
    recording_id String,
    version      UInt64,
    is_deleted   UInt8
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (integration, recording_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
