-- A secret of a webhook that signs from now on: $1 the webhook's id, $2 when it was made, $3 the secret.
INSERT INTO keyledger.webhook_secret (webhook_id, made_at, secret)
VALUES ($1, $2, $3)
