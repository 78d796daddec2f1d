"""Prices and anchors that somebody touched: named by table and position, and made again from the log."""

from __future__ import annotations

import pytest

from audit.verify.repair import repair_ledger, repair_state
from tests.support.audit.books_world import HEAD, Tampered, owner_engine

# The last events: an anchor, the prices of the workload from the first on, and the end of a token.
ANCHOR, GOLD, EARLIER, ANY, ENDED = HEAD - 6, HEAD - 5, HEAD - 4, HEAD - 3, HEAD - 1

OF_CLICKHOUSE = [
    ("price_change_v1", f"UPDATE input = 0.2 WHERE position = {GOLD}", "changed", GOLD),
    ("price_change_v1", f"UPDATE tags = map() WHERE position = {EARLIER}", "changed", EARLIER),
    ("price_change_v1", f"UPDATE provider = 'vllm' WHERE position = {ANY}", "changed", ANY),
    ("price_change_v1", f"DELETE WHERE position = {ENDED}", "missing", ENDED),
    ("usage_anchor_v1", "UPDATE batch = 2 WHERE part = 1", "changed", ANCHOR),
    ("usage_anchor_day_v1", "UPDATE cost_usd = cost_usd + 0.000000001 WHERE day = -1", "changed", ANCHOR),
]


async def test_what_clickhouse_has_of_prices_and_anchors_is_held_against_the_log(tampered: Tampered) -> None:
    for table, change, _, _ in OF_CLICKHOUSE:
        await tampered.clickhouse(f"ALTER TABLE {{db}}.{table} {change}")
    findings = await tampered.findings()
    assert {(one.where, one.kind, one.position) for one in findings} == {
        (table, kind, position) for table, _, kind, position in OF_CLICKHOUSE
    }
    await repair_ledger(tampered.books, findings)
    assert await tampered.findings() == []


OF_STATE = [
    ("UPDATE keyledger.price_state SET tag_count = 1 WHERE price_id = 'any'", "changed"),
    ("UPDATE keyledger.price_state SET provider = 'vllm' WHERE price_id = 'any'", "changed"),
    ("UPDATE keyledger.price_state SET document = replace(document, '1.20', '1.30') WHERE price_id = 'any'", "changed"),
    ("DELETE FROM keyledger.price_state WHERE price_id = 'any'", "missing"),
]


@pytest.mark.parametrize(("change", "kind"), OF_STATE)
async def test_a_price_that_could_tie_unseen_is_found_and_made_again(
    tampered: Tampered, change: str, kind: str
) -> None:
    await tampered.sql(change)
    (finding,) = await tampered.findings()
    assert (finding.kind, finding.where, finding.stream) == (kind, "price_state", "price-any")
    async with owner_engine(tampered) as owner:
        await repair_state(owner, [finding])
    assert await tampered.findings() == []


async def test_a_row_of_a_price_that_nobody_set_is_removed(tampered: Tampered) -> None:
    await tampered.sql("UPDATE keyledger.price_state SET stream = 'price-x', price_id = 'x' WHERE price_id = 'any'")
    findings = await tampered.findings()
    assert {(one.kind, one.stream) for one in findings} == {("extra", "price-x"), ("missing", "price-any")}
    async with owner_engine(tampered) as owner:
        await repair_state(owner, findings)
    assert await tampered.findings() == []
