"""The gateway rows of the stored registry: every kind, of the keys that it issued and of those that it took over."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.stored_registry.story import OLD_KEYS_CREATED, OLD_KEYS_UNTIL, Key, old_key_rows


def write_rows(keys: list[Key], until: datetime, folder: Path) -> Iterator[tuple[str, Path]]:
    """Write the rows; the files with their tables. Imported keys are used for twenty days, others to `until`."""
    # Where the generator was in the commit that made the folder.
    rows = importlib.import_module("keyledger.gateway_rows")
    began = _ms(OLD_KEYS_CREATED)
    old = [rows.KeyUse(row["public_id"], began) for row in old_key_rows()]
    new = [
        rows.KeyUse(credential["credential_id"], _ms(credential["created_at"]), _ms(_end(key, credential)))
        for key in keys
        for credential in key["credentials"]
    ]
    for name, made in (
        ("old", rows.generate(11, old, began - 3_600_000, _ms(OLD_KEYS_UNTIL), 200)),
        ("new", rows.generate(12, new, min(use.since_ms for use in new), _ms(until), 160)),
    ):
        (folder / name).mkdir()
        yield from made.write(folder / name).items()


def _end(key: Key, credential: dict[str, Any]) -> str | None:
    ends = (credential["revoked_at"], key["revoked_at"], credential["expires_at"], key["expiration"])
    return min((end for end in ends if end is not None), default=None)


def _ms(at: datetime | str | None) -> Any:
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return None if at is None else int(at.timestamp() * 1000)
