-- Which views and dictionaries are here: a row when a program begins to make its own,
-- and one when all of them are there. The last row that says so counts, if none
-- stands after it; what it names and a later program does not is dropped.
CREATE TABLE IF NOT EXISTS schema_views
(
    n           UInt64 COMMENT 'counts up',
    at          DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    number      Int64 COMMENT 'the newest migration that the program knew',
    revision    UInt32 COMMENT 'of its views: rises with every change of them',
    whole       Bool COMMENT 'all of them are there',
    definitions Map(String, String) COMMENT 'digest of the statement, by name'
)
ENGINE = MergeTree
ORDER BY n
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
