-- What stopped a projector, for status reports of other processes. It counts until something is applied after it.
CREATE TABLE IF NOT EXISTS {{database}}.projector_stop_v1{{on_cluster}}
(
    projector  String,
    position   UInt64,                      -- what was applied then
    failure    String,
    stopped_at DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree(stopped_at)
ORDER BY projector
{{durability}}
