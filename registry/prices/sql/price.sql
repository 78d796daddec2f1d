-- One price with the head of the log and the clock: $1 its stream. One row always, without a document if there is none.
SELECT
    (SELECT coalesce(max(position), 0) FROM keyledger.event) AS head,
    clock_timestamp() AS now,
    price_state.stream,
    price_state.document
FROM (SELECT 1) AS one
LEFT JOIN keyledger.price_state ON price_state.stream = $1
