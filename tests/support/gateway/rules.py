"""The gateway's own rules for keys, written from the facts: how it reads a key, looks it up, judges and lists it.

Nothing of ours is used here: what passes these passes at the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

Verdict = Literal["valid", "disabled", "expired", "missing"]

# The id comes as TEXT to a column of CHAR(12): it is compared as text, without the blanks that fill the column up.
LOOK_UP = """
SELECT public_id, disabled_at, expires_at
FROM tensorzero_auth_api_key
WHERE public_id = $1::text AND hash = $2::text
"""
LIST = """
SELECT public_id, organization, workspace, description, created_at, disabled_at, expires_at
FROM tensorzero_auth_api_key
WHERE organization = $1::text OR $1::text IS NULL
ORDER BY created_at DESC
LIMIT $2::bigint OFFSET $3::bigint
"""
# Its decoder dies of infinities, and of years beyond this one (no year of the server's is too early for it).
DECODABLE = """
SELECT count(*) FILTER (WHERE NOT (isfinite(at) AND at < '262000-01-01'))
FROM tensorzero_auth_api_key, unnest(ARRAY[created_at, updated_at, disabled_at, expires_at]) AS at
WHERE at IS NOT NULL
"""


class InvalidFormat(Exception):
    """The text is no key; the message is the gateway's."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the gateway takes from a key's text."""

    public_id: str
    hash: str


def parse(text: str) -> Parsed:
    """Read a key's text in the gateway's order of checks. Lengths count bytes. Raises InvalidFormat."""
    parts = text.split("-")
    if len(parts) != 4:
        raise InvalidFormat("API key must be of the form `sk-t0-<public_id>-<long_key>`")
    if parts[:2] != ["sk", "t0"]:
        raise InvalidFormat("API key must start with `sk-t0-`")
    for what, part, length in (("Public ID", parts[2], 12), ("Long key", parts[3], 48)):
        if len(part.encode()) != length:
            raise InvalidFormat(f"{what} must be {length} characters")
    for what, part in (("Public ID", parts[2]), ("Long key", parts[3])):
        if not part.isalnum():
            raise InvalidFormat(f"{what} must be alphanumeric")
    return Parsed(parts[2], sha256(parts[3].encode()).hexdigest())


async def check(driver: Any, text: str, now: datetime | None = None) -> Verdict:
    """What the gateway says of a key at an instant."""
    key = parse(text)
    row = await driver.fetchrow(LOOK_UP, key.public_id, key.hash)
    if row is None:
        return "missing"
    if row["disabled_at"] is not None:
        return "disabled"
    if row["expires_at"] is not None and row["expires_at"] <= (now or datetime.now(UTC)):
        return "expired"
    return "valid"


async def listed(
    driver: Any, organization: str | None = None, limit: int | None = None, offset: int | None = None
) -> list[Any]:
    """The gateway's list of keys, newest first."""
    rows: list[Any] = await driver.fetch(LIST, organization, limit, offset)
    return rows
