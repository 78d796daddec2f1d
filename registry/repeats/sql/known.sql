-- Under which of some ids something is kept: $1.
SELECT id
FROM keyledger.kept_answer
WHERE id = ANY($1)
    AND kept_at > now() - interval '{{kept}}'
