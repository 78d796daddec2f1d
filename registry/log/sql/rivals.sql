-- The prices at some places: $1 models, $2 providers, $3 numbers of tags. A separate statement, run under the lock, so
-- that a price that another process has just set is among them.
SELECT DISTINCT
    price_state.stream,
    price_state.document
FROM unnest($1::text[], $2::text[], $3::integer[]) AS place (model, provider, tag_count)
JOIN keyledger.price_state ON
    price_state.model = place.model
    AND price_state.provider IS NOT DISTINCT FROM place.provider
    AND price_state.tag_count = place.tag_count
