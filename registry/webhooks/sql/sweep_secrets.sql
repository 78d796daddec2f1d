-- Delete secrets that have ended.
DELETE FROM keyledger.webhook_secret
WHERE ends_at <= clock_timestamp()
