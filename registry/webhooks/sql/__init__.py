"""The SQL statements of webhooks and deliveries, one per file."""

from __future__ import annotations

from functools import partial
from typing import Final

from registry.sql_files import fill, read_sql

# How long a delivery is kept after its end, as PostgreSQL has it.
KEPT: Final = "30 days"
_read = partial(read_sql, __name__)

COUNT = _read("count")
CREATE = _read("create")
CREATE_SECRET = _read("create_secret")
DELETE = _read("delete")
DELETE_SECRETS = _read("delete_secrets")
DELIVERIES = _read("deliveries")
DUE = _read("due")
END_SECRETS = _read("end_secrets")
FREE = _read("free")
LIVE = _read("live")
LOCK = _read("lock")
MOVE = _read("move")
ORDER = _read("order")
PROGRESS = _read("progress")
REPLAY = _read("replay")
SECRETS = _read("secrets")
SETTLE = _read("settle")
SWEEP_DELIVERIES = fill(_read("sweep_deliveries"), kept=KEPT)
SWEEP_SECRETS = _read("sweep_secrets")
TAKE = _read("take")
WEBHOOKS = _read("webhooks")
