-- Who an account was at a moment:
--   dictGet('directory_account', ('workplace', 'name', 'employee', 'department'), (integration, account_id), started_at)
-- Empty words for an account that nobody knows. account is calls.account_id or
-- legs.account_id, the SIP id of a terminal or workplace; workplace its SIP id;
-- name the workplace's name in the operator's cabinet; employee as imported,
-- else that name; department as imported or configured.
CREATE OR REPLACE DICTIONARY directory_account
(
    integration String,
    account     String,
    workplace   String,
    name        String,
    employee    String,
    department  String,
    valid_from  DateTime64(3, 'UTC'),
    valid_until DateTime64(3, 'UTC')
)
PRIMARY KEY integration, account
SOURCE(CLICKHOUSE(HOST '127.0.0.1' {credentials} TABLE 'directory_account_history'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN valid_from MAX valid_until)
LIFETIME(MIN 60 MAX 90)
COMMENT 'who an account was at a moment'
