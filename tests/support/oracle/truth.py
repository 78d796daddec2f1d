"""What the oracle needs, from outside: facts from the keys' histories over HTTP, rows as the gateway wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from keyledger.demo.gateway_rows import GatewayRows
from registry.instant import parse_instant, to_ms
from tests.support.oracle.oracle import Fact, Row, oracle_bill
from tests.support.portal import AdminClient

SINCE, UNTIL = "2026-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
# Events that say one thing, and nothing more.
_PLAIN = {"KeySuspended": "suspended", "KeyResumed": "resumed", "KeyRevoked": "key_revoked"}


async def facts_of(portal: AdminClient, public_ids: Iterable[str]) -> list[Fact]:
    """The facts of some keys."""
    facts: list[Fact] = []
    for public_id in public_ids:
        for item in await portal.history(public_id):
            facts += facts_of_event(public_id, item)
    return facts


def facts_of_event(public_id: str, item: dict[str, Any]) -> Iterator[Fact]:
    """What one event of a key's history says, to the oracle."""
    position, at, data = item["position"], to_ms(parse_instant(item["effective_at"])), item["data"]

    def fact(kind: str, at: int = at, **more: Any) -> Fact:
        return Fact(position, at, kind, public_id, **more)

    match item["type"]:
        case "KeyCreated" | "KeyImported":
            yield fact("key_created", expires_ms=_ms(data["expiration"]))
            yield fact("credential_created", credential_id=data["credential"]["credential_id"])
            yield from (fact("tag", tag=name, value=value) for name, value in data["tags"].items())
            if (disabled := _ms(data.get("revoked_at"))) is not None:
                yield fact("key_revoked", disabled)
        case "TagsChanged":
            delta = {**data["set"], **dict.fromkeys(data["remove"])}
            yield from (fact("tag", tag=name, value=value) for name, value in delta.items())
        case "ScheduledChangeCancelled":
            yield fact("cancelled", cancels=data["scheduled_position"])
        case "KeyRotated":
            yield fact("credential_created", credential_id=data["credential"]["credential_id"])
            ends = _ms(data["expires_at"])
            yield from (fact("credential_expiration", credential_id=one, expires_ms=ends) for one in data["retired"])
        case "CredentialRevoked":
            yield fact("credential_revoked", credential_id=data["credential_id"])
        case "ExpirationChanged":
            yield fact("key_expiration", expires_ms=_ms(data["expiration"]))
        case kind if kind in _PLAIN:
            yield fact(_PLAIN[kind])


def rows_of(made: Iterable[GatewayRows]) -> list[Row]:
    """The oracle's rows."""
    return [_row(table, row) for one in made for table, rows in one.tables.items() for row in rows]


def _row(table: str, row: dict[str, Any]) -> Row:
    typed: Row = {**row, "table": table}
    for name in ("id", "inference_id"):
        if name in row:
            typed[name] = UUID(row[name])
    if row.get("cost") is not None:
        typed["cost"] = Decimal(row["cost"])
    return typed


def _ms(instant: str | None) -> int | None:
    return None if instant is None else to_ms(parse_instant(instant))


async def assert_bill_is_right(
    portal: AdminClient, facts: list[Fact], rows: list[Row], group_by: list[str], known_at: int | None = None
) -> dict[str, Any]:
    """The bill over HTTP equals the oracle's in every part but the fingerprint; answers with the bill."""
    query = {} if known_at is None else {"known_at": known_at}
    bill = await portal.bill(group_by=group_by, since=SINCE, until=UNTIL, **query)
    right = oracle_bill(
        facts,
        rows,
        group_by=group_by,
        since_ms=to_ms(parse_instant(SINCE)),
        until_ms=to_ms(parse_instant(UNTIL)),
        known_at=bill["position"] if known_at is None else known_at,
    )
    usage = {name: bill["usage"][name] for name in right["usage"]}
    assert usage == right["usage"]
    assert bill["usage"]["uncollected"] == 0
    for part in ("total", "lines", "late_lines", "coverage"):
        assert bill[part] == right[part], part
    return bill
