"""What the demo tells: keys are issued, used, moved, corrected, rotated, revoked, billed; then money, as in `money`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from keyledger.cli.billing import print_bill
from keyledger.cli.printing.tables import print_table
from keyledger.cli.reach import operator
from keyledger.client import AsyncClient
from keyledger.client.calls import (
    create_key,
    edit_key,
    list_key_events,
    revoke_key,
    rotate_key,
    show_bill,
    show_key,
)
from keyledger.demo.gateway_rows import LARGE, KeyUse, generate
from keyledger.demo.money import Known, Used, money
from keyledger.demo.telling import console, head, load, step
from keyledger.settings import Settings
from registry.instant import format_ms, from_ms, to_ms

INFERENCES = 5_000


async def story(portal: AsyncClient, folder: Path) -> Known:
    """Keys, usage, edits, bills; returns what the bill before the last changes is pinned to."""
    step("The portal issues keys: tags are bound to them by an admin")
    acme = await portal.send(create_key({"customer_id": "acme", "project_id": "chat", "billing_tier": "gold"}))
    moving = await portal.send(create_key({"customer_id": "acme", "project_id": "search", "billing_tier": "gold"}))
    wrong = await portal.send(create_key({"customer_id": "globex", "project_id": "lab", "billing_tier": "silver"}))
    ending = await portal.send(create_key({"customer_id": "initech", "billing_tier": "silver"}))
    console.print(f"    4 keys; a secret is shown once: {acme.api_key[:18]}…")
    began_ms = max(to_ms(key.created_at) for key in (acme, moving, wrong, ending))
    keys = [key.public_id for key in (acme, moving, wrong, ending)]

    step("One key moves from acme to globex")
    moved = await portal.send(edit_key(moving.public_id, tags={"customer_id": "globex"}, reason="sold to globex"))
    events = [event async for event in portal.items(list_key_events(moving.public_id))]
    moved_ms = to_ms(events[-1].effective_at)
    moved_at = format_ms(from_ms(moved_ms))
    console.print(f"    {moved.public_id} belongs to globex from {moved_at} on")

    step("Another key was tagged wrong from the start: corrected, backdated to its creation")
    right = {"customer_id": "umbrella"}
    ticket = "ticket 4711: wrong customer"
    await portal.send(edit_key(wrong.public_id, tags=right, reason=ticket, effective_at=wrong.created_at))
    step("A secret leaked: the key gets another one, the old one works for an hour more, tags and history stay")
    rotated = await portal.send(rotate_key(acme.public_id, overlap_s=3600))
    for credential in rotated.credentials:
        ends = credential.expires_at
        until = f"works until {format_ms(ends)}" if ends else "works from now on"
        console.print(f"    {credential.credential_id} {until}")

    step("A third key is revoked, also in the gateway's own table (TensorZero's), when the call is answered")
    revoked = await portal.send(revoke_key(ending.public_id, reason="contract ended", wait_for="gateway"))
    assert revoked.revoked_at is not None  # noqa: S101 - for the type checker: it has just been
    ended_ms = to_ms(revoked.revoked_at)

    step(f"The gateway recorded {INFERENCES} inferences: cached, unpriced, orphaned, doubled, late ones too")
    uses = [KeyUse(public_id, began_ms, None) for public_id in keys[:3]]
    uses.append(KeyUse(ending.public_id, began_ms, ended_ms))
    new = rotated.credentials[1]
    uses.append(KeyUse(new.credential_id, to_ms(new.created_at)))
    rows = generate(7, uses, began_ms, ended_ms + 1000, INFERENCES)
    pair = [rows.chat(at_ms, moving.public_id) for at_ms in (moved_ms - 1, moved_ms)]
    for inference_id in pair:
        rows.model(inference_id, moved_ms + 900, LARGE, 1200, 300)
    since, until = format_ms(from_ms(began_ms)), format_ms(from_ms(ended_ms + 60_000))
    await load(folder, rows, "gateway-rows")
    async with operator(folder, Settings.read()) as client:
        by_key = await client.post("/operator/sql", json={"sql": _COST_BY_KEY})
        owners = await client.post("/operator/sql", json={"sql": _OWNERS.format(*pair)})
    step("Two inferences of the moved key, a millisecond apart")
    for at, customer in owners.json()["rows"]:
        console.print(f"    {at} is billed to {customer}")
    step("The bill by customer, each inference by the tags that its key had at that very millisecond")
    question = show_bill(group_by=["customer_id"], since=since, until=until, wait_for=await head(portal))
    bill = await portal.send(question.as_json())
    print_bill(bill)
    await _compare_with_today(portal, bill, by_key.json()["rows"])
    return await money(portal, folder, Used(since, until, acme.public_id, moving.public_id, moved_at))


_COST_BY_KEY = """
SELECT public_id, count(), sum(cost_usd)
FROM keyledger.billable_usage
WHERE bucket = 'keyed'
GROUP BY public_id
"""
_OWNERS = """
SELECT at, tags['customer_id']
FROM keyledger.billable_usage
WHERE inference_id IN ('{}', '{}')
ORDER BY at
"""


async def _compare_with_today(portal: AsyncClient, bill: dict[str, Any], by_key: list[list[Any]]) -> None:
    step("The same rows billed by today's tags, as a mapping table would: what as-of is for")
    today: dict[str | None, Decimal] = {}
    for public_id, _count, cost in by_key:
        customer = (await portal.send(show_key(public_id))).tags.get("customer_id")
        today[customer] = today.get(customer, Decimal(0)) + Decimal(cost)
    as_of = {line["by"]["customer_id"]: Decimal(line["cost_usd"]) for line in bill["lines"]}
    rows = []
    for customer in sorted(as_of.keys() | today.keys(), key=str):
        right, naive = as_of.get(customer, Decimal(0)), today.get(customer, Decimal(0))
        rows.append((customer, *(f"{money.normalize():f}" for money in (right, naive, naive - right))))
    columns = ("customer_id", "as of the inference", "by today's tags", "billed wrong by")
    print_table(columns, rows, right=columns[1:])
