-- Each missed call, and what came of it.
CREATE OR REPLACE VIEW report_missed AS
WITH
    dictGet('directory_account', ('employee', 'department'), (toString(m.integration), toString(m.workplace)), m.started_at) AS who,
    dictGet('directory_account', 'employee', (toString(m.integration), toString(m.closed_workplace)), m.started_at) AS closer
SELECT
    m.integration AS integration, m.call_id AS call_id, m.started_at AS started_at,
    m.local_time AS local_time, toDate(m.local_time) AS local_day, toHour(m.local_time) AS local_hour, m.weekday AS weekday, m.working AS working,
    m.client_number AS client_number, m.external_number AS external_number,
    m.workplace AS workplace, if(who.1 = '', toString(m.workplace), who.1) AS employee, who.2 AS department,
    m.wait_ms AS wait_ms,
    m.missed_at AS missed_at,
    m.called_back_at AS called_back_at,
    m.last_try_at AS last_try_at,
    m.closed_at AS closed_at,
    m.closed_by AS closed_by,
    m.closed_call_id AS closed_call_id,
    if(closer = '', toString(m.closed_workplace), closer) AS closed_employee,
    if(m.called_back_at IS NULL, NULL, toUInt64(greatest(date_diff('millisecond', m.missed_at, assumeNotNull(m.called_back_at)), 0))) AS to_callback_ms,
    if(m.closed_at IS NULL, NULL, toUInt64(greatest(date_diff('millisecond', m.missed_at, assumeNotNull(m.closed_at)), 0))) AS to_close_ms,
    multiIf(m.client_number = '', 'hidden', m.closed_by = 'us', 'called back', m.closed_by = 'client', 'came back',
        m.open_until > now(), 'open', 'lapsed') AS state
FROM missed_calls AS m FINAL
