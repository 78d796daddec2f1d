-- The current state of prices. All but the document stays for life.
INSERT INTO keyledger.price_state (stream, price_id, model, provider, tag_count, created_position, document)
SELECT *
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[])
WHERE (SELECT turn.is_ours FROM turn)
ON CONFLICT (stream) DO UPDATE SET document = excluded.document
