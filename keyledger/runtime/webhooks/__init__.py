"""How deliveries of webhooks reach their receivers: HTTP to addresses that were checked."""
