-- One row per event that begins, limits, interrupts or ends a key's life.
CREATE TABLE IF NOT EXISTS {{database}}.key_life_v1{{on_cluster}}
(
    public_id     String,
    effective_ms  Int64 CODEC(Delta, ZSTD),
    position      UInt64 CODEC(Delta, ZSTD),
    kind          Enum8('created' = 1, 'expiration' = 2, 'suspended' = 3, 'resumed' = 4, 'revoked' = 5),
    expiration_ms Nullable(Int64),          -- set by created and expiration rows; there NULL: does not expire
    recorded_at   DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (public_id, effective_ms, position, kind)
{{durability}}
