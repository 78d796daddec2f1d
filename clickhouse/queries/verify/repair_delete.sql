-- Take the rows of some positions away, right and wrong ones: what the log gives is written after it.
ALTER TABLE {{database}}.{{table}}{{on_cluster}} DELETE WHERE position IN ({{positions}})
SETTINGS mutations_sync = 2
