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
