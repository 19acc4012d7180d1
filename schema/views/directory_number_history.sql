-- What an external number was, and when.
CREATE OR REPLACE VIEW directory_number_history AS
SELECT n.integration AS integration, n.number AS number, t.word AS type, l.word AS name,
    greatest(t.valid_from, l.valid_from) AS valid_from,
    least(
        if(t.valid_until = toDateTime64(0, 3, 'UTC'), toDateTime64('2200-01-01 00:00:00', 3, 'UTC'), t.valid_until),
        if(l.valid_until = toDateTime64(0, 3, 'UTC'), toDateTime64('2200-01-01 00:00:00', 3, 'UTC'), l.valid_until)) AS valid_until
FROM (SELECT DISTINCT integration, id AS number FROM directory_history WHERE what IN ('number', 'label')) AS n
LEFT JOIN (SELECT * FROM directory_history WHERE what = 'number') AS t
    ON t.integration = n.integration AND t.id = n.number
LEFT JOIN (SELECT * FROM directory_history WHERE what = 'label') AS l
    ON l.integration = n.integration AND l.id = n.number
WHERE valid_from <= valid_until
SETTINGS join_use_nulls = 0
