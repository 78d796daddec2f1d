-- A row that went can have been the greatest of its id: the other inferences of that id are looked at again.
INSERT INTO {{journal}}.usage_shared_id_v1 (take, id, number)
SELECT DISTINCT
    {take_to:UInt64},
    id,
    number
FROM {{journal}}.usage_shared_id_v1
WHERE id IN (
    SELECT id
    FROM {{journal}}.usage_gone_v1
    WHERE kind = 'model'
        AND take > {take_from:UInt64}
        AND take <= {take_to:UInt64}
)
