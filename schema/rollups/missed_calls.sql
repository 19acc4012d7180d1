-- Each missed call of the span, and each earlier one that a call of the span may
-- concern: joined with the first answered call of either side after it, and with the
-- first and the last try of ours until then or until it lapses. A call that is known to
-- be answered by a duration alone answers nothing: what the operator means by such a
-- duration is not documented, and a client who is not called back costs more than one
-- who is called twice.
INSERT INTO missed_calls
(
    started_at, integration, call_id, local_time, weekday, working, client_number, external_number, workplace,
    wait_ms, missed_at, called_back_at, last_try_at, closed_at, closed_by, closed_call_id, closed_workplace,
    open_until, version, is_deleted
)
WITH
    -- Clients with a call in the span, also in a row that was replaced since; and
    -- those with an earlier missed call that a call of the span was noted to answer:
    -- its row may bear another number now, and the old one be merged away.
    concerned AS
    (
        SELECT integration, client_number FROM calls
        WHERE started_at >= {from} AND started_at < {to} AND client_number != ''
        UNION ALL
        SELECT integration, client_number FROM missed_calls FINAL
        WHERE started_at >= {back} AND started_at < {from}
            AND (closed_at >= {from} AND closed_at < {to} OR called_back_at >= {from} AND called_back_at < {to}
                OR last_try_at >= {from} AND last_try_at < {to})
    ),
    -- Calls of ours that may try to answer a missed one.
    tries AS
    (
        SELECT integration, client_number, started_at FROM calls FINAL
        WHERE started_at >= {back} AND started_at < {ahead} AND direction = 'outgoing' AND client_number != ''
    )
SELECT
    m.started_at AS started_at, m.integration AS integration, m.call_id AS call_id, m.local_time AS local_time,
    m.weekday AS weekday, m.working AS working, m.client_number AS client_number, m.external_number AS external_number,
    m.workplace AS workplace,
    m.wait_ms AS wait_ms,
    ifNull(m.ended_at, m.started_at) AS missed_at,
    if(o.integration = '' OR o.started_at > m.until, NULL, o.started_at) AS called_back_at,
    if(l.integration = '' OR l.started_at <= m.started_at, NULL, l.started_at) AS last_try_at,
    if(m.closed, m.answer_at, NULL) AS closed_at,
    multiIf(NOT m.closed, '', m.answer_direction = 'outgoing', 'us', 'client') AS closed_by,
    if(m.closed, m.answer_call_id, 0) AS closed_call_id,
    if(m.closed, m.answer_workplace, '') AS closed_workplace,
    m.open_until AS open_until,
    {version} AS version, 0 AS is_deleted
FROM
(
    SELECT
        c.started_at AS started_at, c.integration AS integration, c.call_id AS call_id, c.local_time AS local_time, c.weekday AS weekday,
        c.working AS working, c.client_number AS client_number, c.external_number AS external_number, c.workplace AS workplace,
        c.wait_ms AS wait_ms, c.ended_at AS ended_at,
        c.started_at + toIntervalDay(c.callback_days) AS open_until,
        a.integration != '' AND a.started_at <= open_until AS closed,
        if(closed, a.started_at, open_until) AS until,
        a.started_at AS answer_at, a.direction AS answer_direction, a.call_id AS answer_call_id, a.workplace AS answer_workplace
    FROM
    (
        SELECT * FROM report_calls
        WHERE started_at >= {back} AND started_at < {to} AND direction = 'incoming' AND outcome = 'missed'
            AND (started_at >= {from} OR (integration, client_number) IN concerned)
    ) AS c
    ASOF LEFT JOIN
    (
        SELECT integration, client_number, started_at, direction, call_id, workplace FROM report_calls
        WHERE started_at >= {back} AND started_at < {ahead} AND direction IN ('incoming', 'outgoing') AND outcome = 'answered' AND NOT answered_by_duration AND client_number != ''
    ) AS a ON c.integration = a.integration AND c.client_number = a.client_number AND c.started_at < a.started_at
) AS m
ASOF LEFT JOIN tries AS o ON m.integration = o.integration AND m.client_number = o.client_number AND m.started_at < o.started_at
ASOF LEFT JOIN tries AS l ON m.integration = l.integration AND m.client_number = l.client_number AND m.until >= l.started_at
SETTINGS join_use_nulls = 0;

-- What it has of those and was not written anew is no more.
INSERT INTO missed_calls ({columns}, version, is_deleted)
WITH
    concerned AS
    (
        SELECT integration, client_number FROM calls
        WHERE started_at >= {from} AND started_at < {to} AND client_number != ''
        UNION ALL
        SELECT integration, client_number FROM missed_calls FINAL
        WHERE started_at >= {back} AND started_at < {from}
            AND (closed_at >= {from} AND closed_at < {to} OR called_back_at >= {from} AND called_back_at < {to}
                OR last_try_at >= {from} AND last_try_at < {to})
    )
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM missed_calls AS t FINAL
WHERE t.version < {version} AND (started_at >= {from} AND started_at < {to}
    OR started_at >= {back} AND started_at < {from} AND (integration, client_number) IN concerned);
