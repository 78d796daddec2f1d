-- Whether a period has entries of batches after the one that is anchored.
SELECT 1
FROM ({{entries}})
WHERE batch > {anchored:UInt64}
LIMIT 1
