-- What each workplace did, by hour. A leg without an account belongs to no
-- workplace and owns no call. Calls that rang at no workplace – parked, given up
-- in the menu, after hours – and those whose notifications name no account of
-- ours get rows with an empty workplace, each once, so that the workplaces'
-- calls_… add up to all calls.
CREATE OR REPLACE VIEW live_hourly_workplaces AS
SELECT
    toStartOfHour(w.started_at) AS started_at,
    w.integration AS integration,
    w.workplace AS workplace,
    w.local_hour AS local_hour, w.working AS working, w.local_day AS local_day, w.weekday AS weekday,
    countIf(direction = 'incoming' AND w.rang) AS rang,
    countIf(direction = 'incoming' AND w.talked) AS answered,
    countIf(direction = 'incoming' AND outcome IN ('missed', 'abandoned') AND w.rang) AS missed,
    countIf(direction = 'outgoing' AND w.owner) AS outgoing,
    countIf(direction = 'outgoing' AND w.owner AND outcome = 'answered') AS reached,
    countIf(direction = 'internal' AND w.talked) AS internal,
    countIf(w.call_transfers > 0 AND w.talked AND w.passed_on) AS transfers,
    sumIf(w.talk_ms, direction = 'incoming') AS incoming_talk_ms,
    sumIf(w.talk_ms, direction = 'outgoing') AS outgoing_talk_ms,
    sumIf(w.talk_ms, direction = 'internal') AS internal_talk_ms,
    sumIf(ifNull(w.ring_ms, 0), direction = 'incoming' AND w.talked AND NOT own_call) AS answered_ring_ms,
    countIf(direction = 'incoming' AND w.talked AND NOT own_call AND w.ring_ms IS NOT NULL) AS answered_rings,
    countIf(w.owner AND direction = 'incoming' AND outcome IN ('answered', 'missed', 'abandoned')) AS calls_received,
    countIf(w.owner AND direction = 'incoming' AND outcome = 'answered') AS calls_answered,
    countIf(w.owner AND direction = 'incoming' AND outcome = 'missed') AS calls_missed,
    countIf(w.owner AND direction = 'incoming' AND outcome = 'abandoned') AS calls_short_abandons
FROM
(
    -- A workplace's part of a call, all its phones together.
    SELECT
        l.started_at AS started_at, l.integration AS integration, l.call_id AS call_id, l.workplace AS workplace,
        any(c.local_hour) AS local_hour, any(c.working) AS working, any(c.local_day) AS local_day, any(c.weekday) AS weekday,
        any(c.direction) AS direction, any(c.outcome) AS outcome, any(c.own_call) AS own_call, any(c.transfers) AS call_transfers,
        max(l.account_id = c.account_id AND l.account_id != '') AS owner,
        max(l.type != 'outgoing') AS rang,
        max(l.answered) AS talked,
        max(l.answered AND l.leg_answered_at < c.last_answered_at) AND NOT max(l.answered AND l.leg_answered_at = c.last_answered_at) AS passed_on,
        sum(l.talk_ms) AS talk_ms,
        minIf(l.ring_ms, l.answered) AS ring_ms
    FROM
    (
        SELECT started_at, integration, call_id, account_id, type, answered, leg_answered_at, talk_ms, ring_ms,
            dictGet('directory_account', 'workplace', (toString(integration), toString(account_id)), started_at) AS known,
            if(known = '', toString(account_id), known) AS workplace
        FROM legs FINAL WHERE kind IN ('workplace', 'forwarded')
    ) AS l
    INNER JOIN
    (
        SELECT r.started_at AS started_at, r.integration AS integration, r.call_id AS call_id, r.account_id AS account_id,
            r.local_hour AS local_hour, r.working AS working, r.local_day AS local_day, r.weekday AS weekday,
            r.direction AS direction, r.outcome AS outcome, r.own_call AS own_call, r.transfers AS transfers, a.last_answered_at AS last_answered_at
        FROM report_calls AS r
        LEFT JOIN
        (
            SELECT started_at, integration, call_id, max(leg_answered_at) AS last_answered_at
            FROM legs FINAL WHERE kind IN ('workplace', 'forwarded') AND answered GROUP BY started_at, integration, call_id
        ) AS a ON r.started_at = a.started_at AND r.integration = a.integration AND r.call_id = a.call_id
    ) AS c ON l.started_at = c.started_at AND l.integration = c.integration AND l.call_id = c.call_id
    GROUP BY started_at, integration, call_id, workplace
    UNION ALL
    SELECT
        n.started_at, n.integration, n.call_id, '', n.local_hour, n.working, n.local_day, n.weekday,
        n.direction, n.outcome, n.own_call, n.transfers, toUInt8(1), toUInt8(0), toBool(false), toUInt8(0), toUInt64(0), CAST(NULL AS Nullable(UInt32))
    FROM report_calls AS n
    WHERE n.account_id = ''
) AS w
GROUP BY started_at, integration, workplace, local_hour, working, local_day, weekday
SETTINGS join_use_nulls = 0
