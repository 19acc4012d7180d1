-- Whom to call back now, a line per client: of the stored rows, and with the names
-- of the listed clients only.
CREATE OR REPLACE VIEW report_callbacks_open AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(integration), workplace), last_missed_at) AS who
SELECT
    m.integration AS integration, m.client_number AS client_number,
    count() AS missed,
    min(m.started_at) AS first_missed_at,
    max(m.started_at) AS last_missed_at,
    toUInt64(date_diff('second', first_missed_at, now())) AS open_s,
    max(m.wait_ms) AS longest_wait_ms,
    argMax(m.external_number, m.started_at) AS external_number,
    toString(argMax(m.workplace, m.started_at)) AS workplace,
    if(who.1 = '', workplace, who.1) AS employee,
    who.2 AS department,
    max(m.last_try_at) AS last_try_at,
    countIf(m.working) AS missed_in_working_hours,
    argMax(m.call_id, m.started_at) AS last_call_id
FROM missed_calls AS m FINAL
WHERE m.client_number != '' AND m.closed_by = '' AND m.open_until > now() AND m.started_at > now() - toIntervalDay(31)
GROUP BY integration, client_number
