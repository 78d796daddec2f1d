-- The files that were loaded into the gateway's tables, each as a part of a batch. In the embedded engine alone.
CREATE TABLE IF NOT EXISTS {{gateway}}.load_v1
(
    load      UUID,
    batch     String,
    table     String,
    file      String,
    rows      UInt64,                       -- of the file
    new_rows  UInt64,                       -- those that were not there already
    step      UInt8,                        -- 1 begun, 2 loaded, 3 leaving, 4 gone; it never goes back
    at        DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(step)
ORDER BY load
{{durability}}
