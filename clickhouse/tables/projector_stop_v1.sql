-- What stopped a projector, for whoever asks from elsewhere. It counts until something was applied after it.
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
