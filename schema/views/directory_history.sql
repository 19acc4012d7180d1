-- The five tables of the directory as timelines without gaps. The earliest that the
-- operator's lists say of a key holds backwards to 1970, so that calls from before
-- the first fetch bear names too; before the first day of staff and labels nothing
-- is said. The latest holds forwards, also where the operator lists the key no
-- more: a call that comes all the same bears the last known name, and an answer of
-- the operator's that was empty by mistake takes no name away. valid_until is the
-- last millisecond of a span. what: number, workplace, terminal, staff or label;
-- word is the number's type, the workplace's name, the terminal's workplace,
-- the employee or the number's name.
CREATE OR REPLACE VIEW directory_history AS
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
) AS h
