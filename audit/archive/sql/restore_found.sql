-- Whether anything was ever written here. A relay that started on an empty log and published nothing does not count.
SELECT
    EXISTS (SELECT 1 FROM keyledger.event)
    OR EXISTS (SELECT 1 FROM keyledger.key_state)
    OR EXISTS (SELECT 1 FROM keyledger.credential)
    OR EXISTS (SELECT 1 FROM keyledger.admin_token)
    OR EXISTS (SELECT 1 FROM keyledger.price_state)
    OR EXISTS (SELECT 1 FROM keyledger.relay_checkpoint WHERE position > 0)
