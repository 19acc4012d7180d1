-- The calls that waited longest: the first 20 of each day (UTC) and number.
CREATE OR REPLACE VIEW report_longest_waits AS
WITH dictGet('directory_account', ('employee', 'department'), (toString(w.integration), toString(w.workplace)), w.started_at) AS who
SELECT
    w.started_at AS started_at, w.local_time AS local_time, toDate(w.local_time) AS local_day, w.working AS working,
    w.integration AS integration, w.call_id AS call_id, w.client_number AS client_number, w.external_number AS external_number,
    w.workplace AS workplace, if(who.1 = '', toString(w.workplace), who.1) AS employee, who.2 AS department,
    w.outcome AS outcome, w.wait_ms AS wait_ms
FROM longest_waits AS w FINAL
