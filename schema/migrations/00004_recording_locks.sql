-- What the store was told to lock as it was put, so that a store that has lost it, as a
-- copy without extended attributes has, can be told again.

-- +goose NO TRANSACTION
-- +goose Up
ALTER TABLE recordings ADD COLUMN IF NOT EXISTS lock_mode LowCardinality(String)
    COMMENT 'Object Lock as it was put: COMPLIANCE or GOVERNANCE; empty: none, or not known' AFTER former_at;
ALTER TABLE recordings ADD COLUMN IF NOT EXISTS locked_until Nullable(DateTime64(3, 'UTC'))
    COMMENT 'until when' CODEC(T64, ZSTD(1)) AFTER lock_mode;
