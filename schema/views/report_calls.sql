-- Each call with the company's own time and the people's names: what all other
-- reports are made of. Filters on started_at reach the key of calls.
-- What is not of calls itself is worked out once for a query: no join and no set
-- stands between calls and ORDER BY … LIMIT, so that of all but the listed
-- calls only the sorting columns are read.
--
-- The start is read from the key that falls as it rises, so that ORDER BY
-- started_at DESC LIMIT reads the newest calls only, though FINAL reads forwards;
-- max_block_size: they begin to come after 8,192 of each month, not after 65,536.
-- The filter on newest is true of all calls: with none, the server reads the
-- columns of all rows that it looks at, and not of the listed ones (134 MB for a
-- thousand of 15 million calls instead of 31).
-- Calls of an integration whose settings are not read yet have no working hours.
CREATE OR REPLACE VIEW report_calls AS
WITH
    CAST(-c.newest, 'DateTime64(3, \'UTC\')') AS start,
    (
        SELECT CAST((groupArrayIf(day, kind = 'working'), groupArrayIf(day, kind = 'short'), groupArrayIf(day, kind = 'holiday')),
            'Tuple(working Array(Date), short Array(Date), holiday Array(Date))')
        FROM calendar FINAL
    ) AS days,
    -- call_id is a hash with the integration in it.
    (SELECT groupBitmapState(call_id) FROM own_calls) AS own,
    -- The settings in order, as far as there are calls of their time.
    (
        WITH arraySort(groupArray((integration, since, utc_offset_s, work_from, work_to, short_day_minutes, service_level_s, callback_days, repeat_hours))) AS r
        SELECT CAST((r.1, r.2, r.3, arrayFlatten(r.4), arrayFlatten(r.5), r.6, r.7, r.8, r.9),
            'Tuple(integration Array(String), since Array(DateTime(\'UTC\')), utc_offset_s Array(Int32), work_from Array(UInt16), work_to Array(UInt16), short_day_minutes Array(UInt16), service_level_s Array(UInt16), callback_days Array(UInt16), repeat_hours Array(UInt16))')
        FROM
        (
            SELECT *, leadInFrame(since, 1, toDateTime('2106-01-01 00:00:00', 'UTC')) OVER (PARTITION BY integration ORDER BY since ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS until
            FROM report_settings FINAL
        )
        WHERE until > (SELECT min(started_at) FROM calls SETTINGS final = 0)
    ) AS settings,
    arrayLastIndex((i, t) -> i = c.integration AND t <= start, settings.integration, settings.since) AS held,
    start + toIntervalSecond(settings.utc_offset_s[held]) AS wall,
    toDate(wall) AS day,
    toHour(wall) * 60 + toMinute(wall) AS minute,
    toDayOfWeek(wall) AS own_weekday,
    7 * toUInt32(held - 1) AS week, -- none without settings: no day has hours then
    -- A free day that became a working one has the hours of a Monday.
    week + if(settings.work_to[week + own_weekday] = 0 AND has(days.working, day), 1, own_weekday) AS hours,
    dictGet('directory_account', ('workplace', 'employee', 'department'), (toString(c.integration), toString(c.account_id)), start) AS who
SELECT
    c.integration AS integration,
    c.call_id AS call_id,
    start AS started_at,
    wall AS local_time,
    day AS local_day,
    toHour(wall) AS local_hour,
    own_weekday AS weekday,
    toBool(minute >= settings.work_from[hours] AND minute < settings.work_to[hours] - if(has(days.short, day), settings.short_day_minutes[held], 0)
        AND NOT has(days.holiday, day)) AS working,
    c.direction AS direction,
    c.outcome AS outcome,
    c.client_number AS client_number,
    c.external_number AS external_number,
    c.account_id AS account_id,
    if(who.1 = '', toString(c.account_id), who.1) AS workplace,
    if(who.2 = '', workplace, who.2) AS employee,
    who.3 AS department,
    c.caller AS caller,
    c.caller_extension AS caller_extension,
    if(c.caller_name != '' OR c.caller = '', toString(c.caller_name), dictGet('directory_account', 'employee', (toString(c.integration), toString(c.caller)), start)) AS caller_name,
    c.callee AS callee,
    c.callee_extension AS callee_extension,
    if(c.callee_name != '' OR c.callee = '', toString(c.callee_name), dictGet('directory_account', 'employee', (toString(c.integration), toString(c.callee)), start)) AS callee_name,
    c.answered_at AS answered_at,
    c.ended_at AS ended_at,
    c.ring_ms AS ring_ms,
    c.wait_ms AS wait_ms,
    c.talk_ms AS talk_ms,
    c.attendant_ms AS attendant_ms,
    -- Of a call without an end. Through an array, since dictGet is else asked for
    -- every call, whatever the condition before it.
    nullIf(arrayMap(id -> dictGet('recording_length', 'duration_ms', (toString(c.integration), id)),
        if(length(c.recordings) = 1 AND (c.partial OR c.ended_at IS NULL), c.recordings, []))[1], 0) AS talk_at_least_ms,
    c.hung_up AS hung_up,
    c.transfers AS transfers,
    c.legs AS legs,
    c.recordings AS recordings,
    toBool(bitmapContains(own, c.call_id)) AS own_call,
    c.platform_call_id AS platform_call_id,
    c.group_id AS group_id,
    c.partial AS partial,
    c.start_inexact AS start_inexact,
    c.end_inexact AS end_inexact,
    c.talk_inexact AS talk_inexact,
    c.answered_by_duration AS answered_by_duration,
    c.bad_times AS bad_times,
    settings.service_level_s[held] AS service_level_s,
    settings.callback_days[held] AS callback_days,
    settings.repeat_hours[held] AS repeat_hours
FROM calls AS c FINAL
WHERE c.newest < 10000000000
SETTINGS max_block_size = 8192
