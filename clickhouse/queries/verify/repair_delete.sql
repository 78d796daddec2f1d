-- Delete the rows of some positions, right and wrong ones; the rows that the log gives are written afterwards.
ALTER TABLE {{database}}.{{table}}{{on_cluster}} DELETE WHERE position IN ({{positions}})
SETTINGS mutations_sync = 2
