-- Who an account was, and when: every account id that may stand in calls and
-- legs, a terminal's or a workplace's. The spans of one account do not overlap
-- and leave no gap.
CREATE OR REPLACE VIEW directory_account_history AS
SELECT seat.integration AS integration, seat.account AS account, seat.workplace AS workplace,
    w.word AS name,
    if(s.word != '', s.word, w.word) AS employee,
    s.department AS department,
    greatest(seat.since, w.valid_from, s.valid_from) AS valid_from,
    least(seat.until,
        if(w.valid_until = toDateTime64(0, 3, 'UTC'), seat.until, w.valid_until),
        if(s.valid_until = toDateTime64(0, 3, 'UTC'), seat.until, s.valid_until)) AS valid_until
FROM
(
    SELECT integration, id AS account, word AS workplace, valid_from AS since, valid_until AS until
    FROM directory_history WHERE what = 'terminal'
    UNION ALL
    SELECT DISTINCT integration, id, id, toDateTime64(0, 3, 'UTC'), toDateTime64('2200-01-01 00:00:00', 3, 'UTC')
    FROM directory_history
    WHERE what IN ('workplace', 'staff')
        AND (integration, id) NOT IN (SELECT integration, id FROM directory_history WHERE what = 'terminal')
) AS seat
LEFT JOIN (SELECT * FROM directory_history WHERE what = 'workplace') AS w
    ON w.integration = seat.integration AND w.id = seat.workplace
LEFT JOIN (SELECT * FROM directory_history WHERE what = 'staff') AS s
    ON s.integration = seat.integration AND s.id = seat.workplace
WHERE valid_from <= valid_until
SETTINGS join_use_nulls = 0
