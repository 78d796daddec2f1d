-- What a bill must know of the prices before it is made: the tags that they ask for, when one begins to hold, their
-- currencies, and whether one charges by the inference.
SELECT
    arraySort(groupUniqArrayArray(mapKeys(tags))) AS tag_names,
    arraySort(groupUniqArrayArray([from_ms, until_ms])) AS times_ms,
    uniqExact(currency) AS currencies,
    max(per_inference IS NOT NULL) AS by_inference,
    count() AS prices
FROM ({{versions}})
