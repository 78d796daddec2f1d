"""A workload of keys for a log: creations, edits, expirations, suspensions, rotations and ends."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from uuid import UUID

from registry.keys.commands import EditKey
from registry.log.event_log import Caller, EventLog
from registry.prices.commands import When
from registry.prices.service import PriceService
from registry.prices.terms import NewPrice, Terms
from registry.service import KeyService, NewKey
from registry.usage.anchors import UsageAnchors
from registry.usage.events import AnchoredDay, parts_of

OPERATOR = Caller("operator", reason="why")
JOURNAL = UUID("0195f8a4-7c1e-7d43-9b0a-2f6c8e1d5a90")
DAYS = (
    AnchoredDay("2026-03-01", 3, 2, 100, 40, 5, 6, "0.000300000", "ab" * 16),
    AnchoredDay("+10889-08-02", 2, 2, 10, 20, 0, 0, "12.5", "f" * 32),
    AnchoredDay(None, 1, 1, 7, 8, 0, 0, "0", "00" * 15 + "01"),
)


async def itself(public_id: str) -> str:
    """A key's first credential has its id."""
    return public_id


async def fill(log: EventLog, seed: int, count: int = 60) -> None:
    """A workload of creations, edits (backdated too), expirations, suspensions, rotations and ends of all kinds.

    It ends with an anchor of usage, and with prices: one is set again, backdated, and ended.
    """
    rng = Random(seed)
    keys = KeyService(log, itself)
    alive = [(await keys.create(NewKey({"customer_id": "c0"}), OPERATOR)).key]
    for number in range(count):
        key = rng.choice(alive)
        tags = {"customer_id": f"c{number}", "project_id": rng.choice(["p", None])}
        at = key.created_at if rng.random() < 0.3 else None
        await keys.edit(
            key.public_id, EditKey(tags=tags, effective_at=at, reason="backdated", may_backdate=True), OPERATOR
        )
        if rng.random() < 0.2:
            expiration = key.created_at + timedelta(days=rng.randrange(1, 99))
            alive.append((await keys.create(NewKey({"customer_id": "new"}, expiration=expiration), OPERATOR)).key)
        if rng.random() < 0.2:
            await keys.suspend(key.public_id, OPERATOR)
        if rng.random() < 0.2:
            await keys.resume(rng.choice(alive).public_id, OPERATOR)
        if rng.random() < 0.2:
            await _change_secrets(keys, key.public_id, rng)
        if rng.random() < 0.1 and len(alive) > 1:
            await keys.revoke(alive.pop().public_id, OPERATOR)
    await UsageAnchors(log).anchor_usage("tensorzero", parts_of(JOURNAL, 1, DAYS))
    await fill_prices(log)


async def fill_prices(log: EventLog) -> None:
    """Prices of every kind: three set, one of them set again with an earlier instant, and one ended."""
    prices, gold = PriceService(log), {"billing_tier": "gold", "Größe": "ä€😀"}
    tokens = Terms("EUR", {"input": "0.15", "output": "0.600000000000000001"}, "0.002", None)
    first = await prices.set(NewPrice("llama-gold", "llama", "vllm", gold, tokens), When(), OPERATOR)
    earlier = When(first.now - timedelta(days=1), "contract", may_backdate=True)
    free = Terms("EUR", {"input": "0"}, None, None)
    await prices.set(NewPrice("llama-gold", "llama", "vllm", gold, free), earlier, OPERATOR)
    margin = Terms("USD", {}, None, "1.20")
    await prices.set(NewPrice("any", "*", None, {}, margin), When(), OPERATOR)
    await prices.set(NewPrice("gone", "llama", None, {}, tokens), When(), OPERATOR)
    await prices.end("gone", When(), OPERATOR)


async def _change_secrets(keys: KeyService, public_id: str, rng: Random) -> None:
    """Rotate a key; now and then one of its credentials is revoked."""
    overlap = rng.choice([None, timedelta(0), timedelta(hours=1)])
    rotated = (await keys.rotate(public_id, overlap, OPERATOR)).key
    if rng.random() < 0.5:
        await keys.revoke_credential(public_id, rng.choice(rotated.credentials).credential_id, OPERATOR)
