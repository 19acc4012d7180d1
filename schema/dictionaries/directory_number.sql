-- What an external number was at a moment:
--   dictGet('directory_number', ('name', 'type'), (integration, external_number), started_at)
-- Empty words for a number that nobody knows. type is the operator's word, name
-- as imported or configured.
CREATE OR REPLACE DICTIONARY directory_number
(
    integration String,
    number      String,
    type        String,
    name        String,
    valid_from  DateTime64(3, 'UTC'),
    valid_until DateTime64(3, 'UTC')
)
PRIMARY KEY integration, number
SOURCE(CLICKHOUSE(HOST '127.0.0.1' {credentials} TABLE 'directory_number_history'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN valid_from MAX valid_until)
LIFETIME(MIN 60 MAX 90)
COMMENT 'what an external number was at a moment'
