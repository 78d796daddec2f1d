"""What a page of keys takes among a million: `python -m bench.lists [--keys 1000000]`.

The keys are rows of the registry's own table, made in SQL, in an embedded PostgreSQL: of 50,000 customers, a hundredth
suspended, a fiftieth revoked. Each page has 100 keys at most. The reference is the first page without a filter.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url

from bench.common import median as median_of
from bench.common import options, progress, report, server, timed
from registry.db.connection import make_engine
from registry.keys.filters import KeyFilters
from registry.keys.state import CredentialState, KeyState, Register
from registry.log import stream_state
from registry.queries import Queries

RUNS: Final = 7
BEGAN: Final = datetime(2025, 1, 1, tzinfo=UTC)
SHOWN: Final = {
    "no filter": KeyFilters(),
    "a customer of 20 keys": KeyFilters(tags={"customer_id": "customer-4711"}),
    "a tier of a third of all": KeyFilters(tags={"billing_tier": "tier-1"}),
    "customer and tier that none has": KeyFilters(tags={"customer_id": "customer-0", "billing_tier": "tier-9"}),
    "has a rare tag": KeyFilters(has_tag=("rare",)),
    "lacks a tag that all have": KeyFilters(lacks_tag=("customer_id",)),
    "suspended": KeyFilters(status=("suspended",)),
    "revoked or suspended": KeyFilters(status=("revoked", "suspended")),
    "expired": KeyFilters(status=("expired",)),
    "a workspace of 100": KeyFilters(organization="default", workspace="workspace-77"),
    "created within an hour": KeyFilters(
        created_since=datetime(2025, 3, 1, 10, tzinfo=UTC), created_until=datetime(2025, 3, 1, 11, tzinfo=UTC)
    ),
    "expires within a day": KeyFilters(
        expires_since=datetime(2030, 1, 5, tzinfo=UTC), expires_until=datetime(2030, 1, 6, tzinfo=UTC)
    ),
    "a text that many have": KeyFilters(text="PRODUCTION"),
    "a text that one has": KeyFilters(text="number 123456."),
    "a text that none has": KeyFilters(text="nobody"),
}

FILL: Final = """
INSERT INTO keyledger.key_state (
    stream, public_id, created_position, tags, expiration, revoked_at, suspended_at, document, organization, workspace,
    created_at, search
)
SELECT
    'key-' || id, id, n - $3::bigint, tags,
    CASE WHEN n % 10 = 0 THEN timestamptz '2030-01-01' + n * interval '1 second' END,
    CASE WHEN n % 50 = 1 THEN now() END, CASE WHEN n % 100 = 2 THEN now() END, $2, 'default',
    'workspace-' || n % 10000, timestamptz '2025-01-01' + n * interval '20 seconds',
    lower(id) || E'\\nproduction number ' || n || E'.\\ncustomer-' || n % 50000
FROM (
    SELECT
        n,
        lpad(n::text, 12, 'K') AS id,
        jsonb_build_object('customer_id', 'customer-' || n % 50000, 'billing_tier', 'tier-' || n % 3)
            || CASE WHEN n % 100000 = 5 THEN '{"rare": "yes"}'::jsonb ELSE '{}'::jsonb END AS tags
    FROM generate_series(1, $1::int) AS n
) AS made
"""


def document() -> str:
    """The document of a key with two tags; that of every row, as no filter reads it."""
    register = Register(0, 1, "customer-1")
    credential = CredentialState("abcdefghijkl", BEGAN)
    return stream_state.dump(
        KeyState("abcdefghijkl", BEGAN, 1, 1, 1, None, None, {"customer_id": register}, (credential,))
    )


def plain_url(url: str) -> str:
    """SQLAlchemy's URL as the driver takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def fill(owner_url: str, keys: int, *, before: bool = False) -> None:
    """Make the rows; `before`: created before any event of the log."""
    connection = await asyncpg.connect(plain_url(owner_url))
    await connection.execute(FILL, keys, document(), keys + 1 if before else 0, timeout=1200)
    await connection.execute("VACUUM ANALYZE keyledger.key_state", timeout=600)
    await connection.close()


async def measure(app_url: str) -> list[dict[str, object]]:
    """The rows of the report."""
    engine = make_engine(app_url)
    queries, rows, reference = Queries(engine), list[dict[str, object]](), 0.0
    for what, wanted in SHOWN.items():
        for count in (False, True):
            progress(f"{what}{', counted' if count else ''}")
            seconds = [await timed(lambda: queries.keys(wanted, limit=100, count=count)) for _ in range(RUNS)]  # noqa: B023
            ms = median_of(seconds[1:]) * 1000
            reference = reference or ms
            rows.append({"keys": what, "counted": count, "ms": ms, "to a page of all": ms / reference})
    await engine.dispose()
    return rows


def main() -> None:
    """Print the median of a page in ms, and its ratio to one without a filter."""
    asked = options(__doc__, keys=1_000_000)
    with server() as where:
        progress("keys")
        asyncio.run(fill(where.owner_url, asked.keys))
        rows = asyncio.run(measure(where.app_url))
    report(rows, as_json=asked.json)


if __name__ == "__main__":
    main()
