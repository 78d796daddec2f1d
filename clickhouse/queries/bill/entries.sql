-- The journal's entries of the period, and those of ids without an instant: what counts as of a batch.
SELECT *
FROM {{journal}}.usage_entry_v1
WHERE ((at_ms >= {{since_ms}} AND at_ms < {{until_ms}}) OR at_ms < 0)
    AND batch > {{after_batch}}
    AND batch <= {{batch}}
    AND batch NOT IN {{given_up}}
