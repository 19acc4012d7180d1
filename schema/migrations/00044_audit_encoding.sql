-- +goose NO TRANSACTION
-- +goose Up

-- The hash of an entry covers its encoding, which has versions.
ALTER TABLE audit ADD COLUMN IF NOT EXISTS encoding UInt8 COMMENT 'version of the encoding that hash covers' AFTER prev_hash;
