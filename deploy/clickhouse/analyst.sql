-- A user for Grafana and SQL tools on a ClickHouse server of your own: reads
-- only, sees every row once, and cannot starve the inserts. It does not see the
-- operator's own links to recordings, which play without a password for 90 days:
-- select other columns by name, or * EXCEPT those below. Nor does it see why a package was
-- exported, or what the salts of packages and of custody are made from. The embedded engine
-- has the same user, with less memory where the machine has under 16 GB. Run it as
-- an administrator, with a password instead of CHANGE_ME; the database is the one of
-- FONOTEKA_CLICKHOUSE_URL. Run again, it renews the limits and keeps the password.

CREATE SETTINGS PROFILE OR REPLACE fonoteka_analyst SETTINGS
    readonly = 2,
    final = 1,
    max_execution_time = 300 MIN 1 MAX 3600,
    max_memory_usage = 2000000000 MIN 1 MAX 2000000000,
    max_memory_usage_for_user = 4000000000 READONLY,
    max_bytes_before_external_group_by = 1000000000,
    max_bytes_before_external_sort = 1000000000,
    max_temporary_data_on_disk_size_for_query = 5000000000 MIN 1 MAX 5000000000,
    min_free_disk_space_for_temporary_data = 5000000000 MIN 5000000000,
    max_threads READONLY,
    add_http_cors_header READONLY,
    max_rows_to_read = 2000000000 MIN 1 MAX 2000000000,
    max_bytes_to_read = 200000000000 MIN 1 MAX 200000000000,
    max_concurrent_queries_for_user = 32 READONLY,
    cancel_http_readonly_queries_on_client_close = 1 READONLY;

CREATE USER IF NOT EXISTS analyst
    IDENTIFIED WITH sha256_password BY 'CHANGE_ME'
    DEFAULT DATABASE fonoteka
    SETTINGS PROFILE fonoteka_analyst;

GRANT SHOW, SELECT, dictGet ON fonoteka.* TO analyst;
GRANT SELECT ON system.parts TO analyst;
REVOKE SELECT(body) ON fonoteka.events FROM analyst;
REVOKE SELECT(url) ON fonoteka.recordings FROM analyst;
REVOKE SELECT(url) ON fonoteka.recordings_open FROM analyst;
REVOKE SELECT(url) ON fonoteka.recordings_opened FROM analyst;
REVOKE SELECT(body) ON fonoteka.rejected FROM analyst;
REVOKE SELECT(secret) ON fonoteka.custody_secret FROM analyst;
REVOKE SELECT(reason, salt) ON fonoteka.exports FROM analyst;
