-- The last batch of this journal that an anchor in the log covers, as far as the log is applied, and how many seconds
-- ago it was anchored; 0 and the journal's own age where there is none.
SELECT
    ifNull(argMaxOrNull(a.batch, (a.batch, a.position)), 0) AS anchored,
    dateDiff(
        'second',
        ifNull(argMaxOrNull(a.recorded_at, (a.batch, a.position)), (SELECT min(made_at) FROM {{journal}}.usage_journal_v1)),
        now64(6, 'UTC')
    ) AS age_s
FROM {{database}}.usage_anchor AS a
WHERE a.source = {source:String}
    AND a.journal = {journal:UUID}
    AND a.part = a.parts                                -- the last one: the others came with it
