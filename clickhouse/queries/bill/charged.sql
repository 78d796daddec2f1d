-- Parts of a bill with their prices, and how many inferences are charged: by each of its prices once, so not for a pair
-- where one that it had bought before has the same price.
SELECT
    {{columns}},
    anyIf(p.price, p.of_pairs = 1) AS price,
    if(has(groupArrayIf(p.price.price_id, p.of_pairs > 1), price.price_id), 0, toInt256(any(p.of_charge))) AS charged
FROM ({{priced}}) AS p
GROUP BY p.part
