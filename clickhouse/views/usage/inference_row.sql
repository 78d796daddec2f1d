-- The gateway's inference rows as the journal took them, duplicates too: the id, its time, and what matters to a bill.
CREATE OR REPLACE VIEW {{database}}.inference_row{{on_cluster}} AS
SELECT
    source,                                                         -- the table, for people who look for the row
    reinterpretAsUUID(bitOr(bitShiftLeft(number, 64), bitShiftRight(number, 64))) AS id,
    number,
    {{at_ms}} AS at_ms,
    function_name,
    credential_id,
    mapFilter((name, value) -> NOT startsWith(name, 'tensorzero::'), tags) AS claimed_tags,
    {{inference_rank}} AS rank
FROM (
{{rows}})
