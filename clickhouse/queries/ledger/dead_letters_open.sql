SELECT count()
FROM {{database}}.dead_letter
WHERE status = 'open'
