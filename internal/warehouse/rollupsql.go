package warehouse

// touchedClients are those with a call in the span, also in a row that was
// replaced since.
const touchedClients = `(integration, client_number) IN (
	SELECT integration, client_number FROM calls WHERE started_at >= {from} AND started_at < {to} AND client_number != '')`

// concernedClients are those and the ones with an earlier missed call that a
// call in the span was noted to answer: its row may bear another number now, and
// the old one be merged away.
const concernedClients = `(` + touchedClients + ` OR (integration, client_number) IN (
	SELECT integration, client_number FROM missed_calls FINAL
	WHERE started_at >= {back} AND started_at < {from}
		AND (closed_at >= {from} AND closed_at < {to} OR called_back_at >= {from} AND called_back_at < {to} OR last_try_at >= {from} AND last_try_at < {to})))`

// ourCalls are those that may try to answer a missed one.
const ourCalls = `(
	SELECT integration, client_number, started_at FROM calls FINAL
	WHERE started_at >= {back} AND started_at < {ahead} AND direction = 'outgoing' AND client_number != ''
)`

// rollMissed joins each missed call with the first answered call of either side
// after it, and with the first and the last try of ours until then or until it
// lapses.
const rollMissed = `
INSERT INTO missed_calls
SELECT
	m.started_at, m.integration, m.call_id, m.local_time, m.weekday, m.working, m.client_number, m.external_number, m.workplace,
	m.wait_ms,
	ifNull(m.ended_at, m.started_at),
	if(o.integration = '' OR o.started_at > m.until, NULL, o.started_at),
	if(l.integration = '' OR l.started_at <= m.started_at, NULL, l.started_at),
	if(m.closed, m.closed_at, NULL),
	multiIf(NOT m.closed, '', m.closed_direction = 'outgoing', 'us', 'client'),
	if(m.closed, m.closed_call_id, 0),
	if(m.closed, m.closed_workplace, ''),
	m.open_until,
	{version}, 0
FROM
(
	SELECT
		c.started_at AS started_at, c.integration AS integration, c.call_id AS call_id, c.local_time AS local_time, c.weekday AS weekday,
		c.working AS working, c.client_number AS client_number, c.external_number AS external_number, c.workplace AS workplace,
		c.wait_ms AS wait_ms, c.ended_at AS ended_at,
		c.started_at + toIntervalDay(c.callback_days) AS open_until,
		a.integration != '' AND a.started_at <= open_until AS closed,
		if(closed, a.started_at, open_until) AS until,
		a.started_at AS closed_at, a.direction AS closed_direction, a.call_id AS closed_call_id, a.workplace AS closed_workplace
	FROM
	(
		SELECT * FROM report_calls
		WHERE started_at >= {back} AND started_at < {to} AND direction = 'incoming' AND outcome = 'missed'
			AND (started_at >= {from} OR ` + concernedClients + `)
	) AS c
	ASOF LEFT JOIN
	(
		SELECT integration, client_number, started_at, direction, call_id, workplace FROM report_calls
		WHERE started_at >= {back} AND started_at < {ahead} AND direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND client_number != ''
	) AS a ON c.integration = a.integration AND c.client_number = a.client_number AND c.started_at < a.started_at
) AS m
ASOF LEFT JOIN ` + ourCalls + ` AS o ON m.integration = o.integration AND m.client_number = o.client_number AND m.started_at < o.started_at
ASOF LEFT JOIN ` + ourCalls + ` AS l ON m.integration = l.integration AND m.client_number = l.client_number AND m.until >= l.started_at
SETTINGS join_use_nulls = 0`

var goneMissed = gone("missed_calls", `started_at >= {from} AND started_at < {to}
	OR started_at >= {back} AND started_at < {from} AND `+concernedClients)

// rollWaits is live_longest_waits of a span: a view with LIMIT BY would read all
// calls for it.
const rollWaits = `
INSERT INTO longest_waits
SELECT *, {version}, 0 FROM live_waits WHERE ` + inSpan + `
ORDER BY wait_ms DESC, call_id
LIMIT 20 BY toDate(started_at), integration, external_number`

// changedHours are those of the span, and those before it with a missed call
// that was written with it.
const changedHours = `started_at >= {back} AND started_at < {to} AND (started_at >= {from} OR started_at IN (
	SELECT toStartOfHour(started_at) FROM missed_calls WHERE started_at >= {back} AND started_at < {from} AND version = {version}))`

const rollCallbacks = `
INSERT INTO hourly_callbacks
SELECT *, {version}, 0 FROM live_hourly_callbacks WHERE ` + changedHours + `
SETTINGS max_partitions_per_insert_block = 0`

var goneCallbacks = gone("hourly_callbacks", changedHours)

// rollCallers reads some days before the span, whose calls make a call of the
// span one of the same day or a repeated one.
const rollCallers = `
INSERT INTO hourly_callers
SELECT
	toStartOfHour(c.started_at) AS hour, c.integration, c.external_number, c.local_hour, c.working, c.local_day, c.weekday,
	countIf(c.client_number != ''),
	countIf(c.client_number = ''),
	countIf(c.client_number != '' AND c.nth_of_day = 1),
	countIf(c.client_number != '' AND c.nth_of_day = 1 AND f.first_at = c.started_at),
	countIf(c.client_number != '' AND c.previous_at > toDateTime64(0, 3, 'UTC') AND c.started_at <= c.previous_at + toIntervalHour(c.repeat_hours)),
	{version}, 0
FROM
(
	SELECT started_at, integration, external_number, client_number, local_hour, working, local_day, weekday, repeat_hours,
		row_number() OVER (PARTITION BY integration, client_number, local_day ORDER BY started_at, call_id) AS nth_of_day,
		lagInFrame(started_at) OVER (PARTITION BY integration, client_number ORDER BY started_at, call_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous_at
	FROM report_calls
	WHERE started_at >= {before} AND started_at < {to} AND direction = 'incoming'
) AS c
LEFT JOIN
(
	SELECT integration, client_number, min(started_at) AS first_at
	FROM calls_by_client FINAL
	WHERE ` + touchedClients + `
	GROUP BY integration, client_number
) AS f ON c.integration = f.integration AND c.client_number = f.client_number
WHERE c.started_at >= {from}
GROUP BY hour, c.integration, c.external_number, c.local_hour, c.working, c.local_day, c.weekday
SETTINGS join_use_nulls = 0`

// rollRecordings reads of the catalogue what the span's calls name.
const rollRecordings = `
INSERT INTO hourly_recordings
SELECT
	toStartOfHour(c.started_at) AS hour, c.integration, c.external_number, c.local_hour, c.working, c.local_day, c.weekday,
	uniqExact(c.call_id),
	uniqExactIf(c.call_id, c.recording_id != ''),
	uniqExactIf(c.call_id, c.recording_id = ''),
	countIf(c.recording_id != ''),
	countIf(r.state = 'archived'),
	countIf(c.recording_id != '' AND r.state NOT IN ('archived', 'quarantined', 'expired', 'erased')),
	countIf(r.state = 'quarantined' AND isNotNull(r.next_attempt_at)),
	countIf(r.state = 'expired' OR r.state = 'quarantined' AND isNull(r.next_attempt_at)),
	countIf(r.state = 'erased'),
	sumIf(r.size, r.state = 'archived'),
	{version}, 0
FROM
(
	SELECT started_at, integration, external_number, call_id, local_hour, working, local_day, weekday, recording_id
	FROM report_calls LEFT ARRAY JOIN recordings AS recording_id
	WHERE started_at >= {from} AND started_at < {to} AND outcome = 'answered' AND direction IN ('incoming', 'outgoing') AND talk_ms > 0
) AS c
LEFT JOIN
(
	SELECT integration, recording_id, state, size, next_attempt_at FROM recordings FINAL
	WHERE (integration, recording_id) IN (
		SELECT integration, arrayJoin(recordings) FROM calls FINAL WHERE started_at >= {from} AND started_at < {to})
) AS r ON c.integration = r.integration AND c.recording_id = r.recording_id
GROUP BY hour, c.integration, c.external_number, c.local_hour, c.working, c.local_day, c.weekday
SETTINGS join_use_nulls = 0`
