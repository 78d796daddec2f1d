TRUNCATE TABLE {{database}}.applied_checkpoint_v1{{on_cluster}}
