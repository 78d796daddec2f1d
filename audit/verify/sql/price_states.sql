-- The rows of some prices: $1 their streams.
SELECT
    stream,
    price_id,
    model,
    provider,
    tag_count,
    created_position,
    document
FROM keyledger.price_state
WHERE stream = ANY($1::text[])
