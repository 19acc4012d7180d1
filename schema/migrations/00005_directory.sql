-- +goose NO TRANSACTION
-- +goose Up

-- The company's directory with its history. A row says what holds from
-- valid_from until the next row of the same key; gone, that the operator lists
-- it no more. Rows are only added; one that is written again under the same
-- valid_from takes the place of the first.
CREATE TABLE IF NOT EXISTS directory_numbers
(
    integration LowCardinality(String),
    number      String COMMENT 'external number, digits, as in calls.external_number',
    valid_from  DateTime64(3, 'UTC') COMMENT 'when the change was noticed',
    raw         String COMMENT 'as the operator spells it',
    type        LowCardinality(String) COMMENT 'the operator''s word; empty: it gives none',
    gone        Bool,
    version     UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, number, valid_from)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS directory_workplaces
(
    integration LowCardinality(String),
    workplace   String COMMENT 'SIP id',
    valid_from  DateTime64(3, 'UTC') COMMENT 'when the change was noticed',
    name        String,
    gone        Bool,
    version     UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, workplace, valid_from)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS directory_terminals
(
    integration LowCardinality(String),
    terminal    String COMMENT 'SIP id, as in legs.account_id',
    valid_from  DateTime64(3, 'UTC') COMMENT 'when the change was noticed',
    workplace   String COMMENT 'SIP id of the workplace it stands at',
    gone        Bool,
    version     UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, terminal, valid_from)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- What the operator does not know: who sits at a workplace and in which
-- department, from the configuration or from an imported file. A row with
-- neither says that from valid_from on nothing is known.
CREATE TABLE IF NOT EXISTS directory_staff
(
    integration LowCardinality(String),
    workplace   String COMMENT 'SIP id of a workplace; also of a terminal that the operator does not list',
    valid_from  DateTime64(3, 'UTC') COMMENT '1970: as far back as there are calls',
    employee    String COMMENT 'empty: the workplace''s name is the employee''s',
    department  LowCardinality(String),
    source      LowCardinality(String) COMMENT 'import or config',
    version     UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, workplace, valid_from)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- Names of external numbers ("advertisement", "support"), likewise.
CREATE TABLE IF NOT EXISTS directory_number_names
(
    integration LowCardinality(String),
    number      String COMMENT 'external number, digits, as in calls.external_number',
    valid_from  DateTime64(3, 'UTC'),
    name        String COMMENT 'empty: it has none from then on',
    source      LowCardinality(String) COMMENT 'import or config',
    version     UInt64 COMMENT 'unix milliseconds of writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (integration, number, valid_from)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

-- All five as timelines without gaps. The earliest that the operator's lists say
-- of a key holds backwards to 1970, so that calls from before the first fetch
-- bear names too; before the first day of staff and labels nothing is said. The
-- latest holds forwards, also where the operator lists the key no more: a
-- call that comes all the same bears the last known name, and an answer of the
-- operator's that was empty by mistake takes no name away. valid_until is the
-- last millisecond of a span. what: number, workplace, terminal, staff or label;
-- word is the number's type, the workplace's name, the terminal's workplace,
-- the employee or the number's name.
CREATE VIEW IF NOT EXISTS directory_history AS
SELECT what, integration, id, word, department,
    if(h.earlier = 0, toDateTime64(0, 3, 'UTC'), h.since) AS valid_from,
    if(h.later = 0, toDateTime64('2200-01-01 00:00:00', 3, 'UTC'), h.next - INTERVAL 1 MILLISECOND) AS valid_until
FROM
(
    SELECT what, integration, id, word, department, since,
        count() OVER (PARTITION BY what, integration, id ORDER BY since ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - 1 AS earlier,
        count() OVER (PARTITION BY what, integration, id ORDER BY since ASC ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) - 1 AS later,
        leadInFrame(since) OVER (PARTITION BY what, integration, id ORDER BY since ASC ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next
    FROM
    (
        SELECT 'number' AS what, toString(integration) AS integration, number AS id, toString(type) AS word, '' AS department, valid_from AS since FROM directory_numbers FINAL WHERE NOT gone
        UNION ALL
        SELECT 'workplace', toString(integration), workplace, name, '', valid_from FROM directory_workplaces FINAL WHERE NOT gone
        UNION ALL
        SELECT 'terminal', toString(integration), terminal, workplace, '', valid_from FROM directory_terminals FINAL WHERE NOT gone
        UNION ALL
        SELECT 'staff', toString(integration), workplace, employee, toString(department), valid_from FROM directory_staff FINAL
        UNION ALL
        SELECT 'label', toString(integration), number, name, '', valid_from FROM directory_number_names FINAL
        UNION ALL
        SELECT 'staff', toString(integration), workplace, '', '', toDateTime64(0, 3, 'UTC') FROM directory_staff FINAL
        GROUP BY integration, workplace HAVING min(valid_from) > toDateTime64(1, 3, 'UTC')
        UNION ALL
        SELECT 'label', toString(integration), number, '', '', toDateTime64(0, 3, 'UTC') FROM directory_number_names FINAL
        GROUP BY integration, number HAVING min(valid_from) > toDateTime64(1, 3, 'UTC')
    )
) AS h;

-- Who an account was, and when: every account id that may stand in calls and
-- legs, a terminal's or a workplace's. The spans of one account do not overlap
-- and leave no gap.
CREATE VIEW IF NOT EXISTS directory_account_history AS
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
SETTINGS join_use_nulls = 0;

-- What an external number was, and when.
CREATE VIEW IF NOT EXISTS directory_number_history AS
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
SETTINGS join_use_nulls = 0;
