-- Delete what is kept no longer.
DELETE FROM keyledger.kept_answer
WHERE kept_at <= now() - interval '{{kept}}'
