-- One row per event in the life of a credential; the created row links a credential to its key.
CREATE TABLE IF NOT EXISTS {{database}}.key_credential_v1{{on_cluster}}
(
    credential_id String,
    public_id     String,                   -- of the key
    effective_ms  Int64 CODEC(Delta, ZSTD),
    position      UInt64 CODEC(Delta, ZSTD),
    kind          Enum8('created' = 1, 'expiration' = 2, 'revoked' = 3),
    expires_ms    Nullable(Int64),          -- set by created and expiration rows; there NULL: does not expire
    recorded_at   DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (credential_id, effective_ms, position, kind)
{{durability}}
