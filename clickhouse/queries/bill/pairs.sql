-- Parts of a bill, once for their own pair of model and provider (`of_pairs` 1), and once for each that their inferences
-- had bought before it.
SELECT
    b.*,
    pair[1] AS rate_model,
    pair[2] AS rate_provider,
    of_pairs
FROM (
    SELECT
        *,
        rowNumberInAllBlocks() AS part,
        arrayConcat(
            [[own_model, own_provider]],
            arrayMap(n -> arraySlice(pairs_before, 2 * n + 1, 2), range(intDiv(length(pairs_before), 2)))
        ) AS pairs
    FROM ({{bill}})
) AS b
ARRAY JOIN
    b.pairs AS pair,
    arrayEnumerate(b.pairs) AS of_pairs
