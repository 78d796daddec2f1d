-- The records set aside: with a status ('' for any), or with some ids (empty for any), latest first.
SELECT
    id,
    kind,
    detail,
    position,
    held_position,
    status,
    reason,
    found_at,
    decided_at
FROM {{database}}.dead_letter
WHERE (status = {status:String} OR {status:String} = '')
    AND (empty({ids:Array(String)}) OR has({ids:Array(String)}, id))
ORDER BY found_at DESC, id
LIMIT {limit:UInt64}
