-- The prices of `prices.sql` in their order, as one text.
SELECT toString(groupArray((model, price)))
FROM ({{prices}})
