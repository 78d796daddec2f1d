-- Rows of usage_row_v1 that the gateway no longer has, by an `unload` or a repair: they count no more. One that was
-- taken after it went counts again.
CREATE TABLE IF NOT EXISTS {{database}}.usage_gone_v1{{on_cluster}}
(
    take        UInt64,                     -- rows taken before this are meant
    number      UInt128,
    kind        Enum8('batch' = 1, 'inference' = 2, 'model' = 3),
    id          UInt128,
    fingerprint UInt128
)
ENGINE = {{replicated}}MergeTree
ORDER BY (number, kind, id, fingerprint, take)
{{durability}}
