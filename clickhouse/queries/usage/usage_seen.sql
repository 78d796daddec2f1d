-- The latest time of any inference in the journal, but for those dated after now; NULL if there is none.
SELECT maxOrNullIf(at_ms, at_ms >= 0 AND at_ms <= {now_ms:Int64})
FROM {{journal}}.usage_entry_v1
WHERE batch <= {batch:UInt64}
