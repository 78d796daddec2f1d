"""The SQL statements of verify and repair on the log's database, one per file."""

from __future__ import annotations

from functools import partial

from registry.sql_files import read_sql

_read = partial(read_sql, __name__)

STREAMS = _read("streams")
FOLD_STREAMS = _read("fold_streams")
KEY_STATES = _read("key_states")
PRICE_STATES = _read("price_states")
REPAIR_PRICES = _read("repair_prices")
ADMIN_TOKENS = _read("admin_tokens")
CREDENTIALS = _read("credentials")
OUTSIDE = _read("outside")
CHECKPOINTS = _read("checkpoints")
GATEWAY_SYNC = _read("gateway_sync")
OWNERS = _read("owners")
COUNT_STATES = _read("count_states")
REPAIR_KEY_STATES = _read("repair_key_states")
REPAIR_CREDENTIALS = _read("repair_credentials")
LAST_READ = _read("last_read")
LAST_RECORD = _read("last_record")
REPAIR_TOKENS = _read("repair_tokens")
