-- What is kept under an id: $1.
SELECT digest, sealed
FROM keyledger.kept_answer
WHERE id = $1
    AND kept_at > now() - interval '{{kept}}'
