-- The prices of `prices.sql` in their order, from the text of `prices_as_text.sql`.
SELECT
    one.1 AS model,
    one.2 AS price
FROM (SELECT arrayJoin(CAST({book:String}, 'Array(Tuple(model String, price {{price_type}}))')) AS one)
