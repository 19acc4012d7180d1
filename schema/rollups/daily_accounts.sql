INSERT INTO daily_accounts
(
    utc_day, integration, account_id, workplace, first_at, last_at, version, is_deleted
)
SELECT
    utc_day, integration, account_id, workplace, first_at, last_at, {version} AS version, 0 AS is_deleted
FROM live_daily_accounts
WHERE utc_day >= toDate({from}) AND utc_day < toDate({to});

-- What it has in the span and was not written anew is no more.
INSERT INTO daily_accounts ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM daily_accounts AS t FINAL
WHERE t.version < {version} AND utc_day >= toDate({from}) AND utc_day < toDate({to});
