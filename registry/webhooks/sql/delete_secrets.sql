-- Forget what a webhook's deliveries are signed with: $1 its id.
DELETE FROM keyledger.webhook_secret
WHERE webhook_id = $1
