-- Which workplace each account belongs to on each day (UTC) on which it had legs.
CREATE OR REPLACE VIEW live_daily_accounts AS
WITH dictGet('directory_account', 'workplace', (toString(l.integration), toString(l.account_id)), l.started_at) AS known
SELECT
    toDate(l.started_at) AS utc_day, l.integration AS integration, l.account_id AS account_id,
    if(known = '', toString(l.account_id), known) AS workplace, min(l.started_at) AS first_at, max(l.started_at) AS last_at
FROM legs AS l FINAL
WHERE l.kind IN ('workplace', 'forwarded')
GROUP BY utc_day, integration, account_id, workplace
