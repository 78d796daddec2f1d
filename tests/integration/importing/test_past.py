"""What was used before the import is billed by it, and the books stand up to every audit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.report import Finding
from audit.verify.verify import verify
from keyledger.runtime.audit_sources import audit_sources
from tests.support.audit.archive_world import export_to, restore_into, state_rows
from tests.support.gateway.gateway_keys import MadeKey, facts_of_keys, many_keys, use
from tests.support.gateway.importer import Importer
from tests.support.oracle.oracle import Fact, Row, oracle_bill
from tests.support.oracle.truth import rows_of
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
PARTS = ("lines", "late_lines", "total", "coverage")


@pytest.fixture
async def empty(migrated: Copies) -> AsyncIterator[Database]:
    """A second database, migrated and empty."""
    fresh = await migrated.take()
    yield fresh
    migrated.drop(fresh)


def mapped(keys: list[MadeKey]) -> dict[str, dict[str, str]]:
    """Tags for two of three keys."""
    return {
        key.public_id: {"customer_id": ("acme", "globex", "Ärzte")[number % 5 % 3], "tier": "gold"}
        for number, key in enumerate(keys)
        if number % 3
    }


async def imported(importer: Importer, keys: list[MadeKey], folder: Path) -> dict[str, dict[str, str]]:
    """Import keys by a mapping, which is the answer."""
    tags = mapped(keys)
    file = folder / "tags.json"
    file.write_text(json.dumps(tags))
    await importer.gateway.add(*keys)
    assert (await importer.apply(file)).result["imported"] == len(keys)
    return tags


def right(facts: list[Fact], rows: list[Row], group_by: list[str], known_at: int) -> dict[str, Any]:
    """The oracle's bill."""
    period: dict[str, Any] = {"since_ms": int(SINCE.timestamp() * 1000), "until_ms": int(UNTIL.timestamp() * 1000)}
    return oracle_bill(facts, rows, group_by=group_by, known_at=known_at, **period)


async def test_past_use_is_billed_by_the_imported_keys_as_the_oracle_bills_it(
    importer: Importer, tmp_path: Path
) -> None:
    """Working, disabled, expired and unmapped ones, to the millisecond of their ends."""
    keys = list(many_keys(40))
    before = await importer.ledger.api.head()
    tags = await imported(importer, keys, tmp_path)
    rows = rows_of([use(keys, seed=7, inferences=400)])
    await importer.ledger.serve(rows)
    applied = await importer.ledger.apply()
    facts = facts_of_keys(keys, tags, applied)
    for group_by in ([], ["customer_id"], ["customer_id", "tier", "model"]):
        bill = await importer.ledger.world.bill(applied=applied, group_by=group_by, since=SINCE, until=UNTIL)
        expected = right(facts, rows, group_by, applied)
        for part in PARTS:
            assert bill[part] == expected[part], part
    counts = {bucket["bucket"]: bucket["inferences"] for bucket in bill["coverage"]}
    assert counts["keyed"] > 100
    assert counts["outside_key_life"] > 40, "of ends and of the millisecond before each creation"
    assert {line["by"]["customer_id"] for line in bill["lines"]} == {None, "acme", "globex", "Ärzte"}
    # Before the import nobody knew them.
    earlier = await importer.ledger.world.bill(applied=applied, known_at=before, since=SINCE, until=UNTIL)
    assert earlier["total"]["inferences"] == 0
    assert earlier["coverage"] == right([], rows, [], before)["coverage"]


async def test_a_correction_after_the_import_reaches_back_to_the_creation(importer: Importer, tmp_path: Path) -> None:
    keys = list(many_keys(4))
    tags = await imported(importer, keys, tmp_path)
    rows = rows_of([use(keys, seed=8, inferences=80)])
    await importer.ledger.serve(rows)
    at = {"effective_at": "2026-01-05T12:00:00.123Z", "reason": "never mapped"}
    answer = await importer.ledger.api.patch(keys[0].public_id, {"tags": {"customer_id": "initech"}}, **at)
    assert answer.status_code == 200, answer.text
    applied = await importer.ledger.apply()
    facts = facts_of_keys(keys, {**tags, keys[0].public_id: {"customer_id": "initech"}}, applied)
    bill = await importer.ledger.world.bill(applied=applied, group_by=["customer_id"], since=SINCE, until=UNTIL)
    expected = right(facts, rows, ["customer_id"], applied)
    for part in PARTS:
        assert bill[part] == expected[part], part
    assert "initech" in {line["by"]["customer_id"] for line in bill["lines"]}


async def test_audits_find_nothing_wrong_and_an_archive_brings_everything_back(
    importer: Importer, empty: Database, tmp_path: Path
) -> None:
    await imported(importer, list(many_keys(60)), tmp_path)
    await importer.ledger.apply()
    services = importer.ledger.api.services
    assert [one async for one in verify(audit_sources(services)) if isinstance(one, Finding)] == []
    log = services.registry.log
    await export_to(tmp_path / "archive", log, secrets_of=services.registry.engine)
    restored = await restore_into(empty, tmp_path / "archive")
    assert (restored.keys, restored.keys_without_secret) == (60, 0)
    assert restored.hash == (await log.head()).hash.hex()
    assert await state_rows(empty) == await state_rows(importer.database)


async def test_a_swapped_hash_of_an_imported_key_is_found(importer: Importer, tmp_path: Path) -> None:
    await imported(importer, list(many_keys(3)), tmp_path)
    await importer.ledger.apply()
    async with importer.database.connect() as owner:
        await owner.execute(
            "UPDATE keyledger.credential SET secret_hash = repeat('f', 64) WHERE credential_id = 'many00000001'"
        )
    books = audit_sources(importer.ledger.api.services)
    (finding,) = [one async for one in verify(books) if isinstance(one, Finding)]
    assert (finding.kind, finding.where, finding.stream) == ("changed", "credential", "key-many00000001")


async def test_the_state_of_a_key_before_its_end_is_not_revoked(importer: Importer) -> None:
    created = datetime(2026, 1, 5, 12, tzinfo=UTC)
    await importer.gateway.add(MadeKey("AAAAAAAAAAA1", created_at=created, disabled_at=created + timedelta(hours=1)))
    await importer.apply()
    seen = []
    for at in ("2026-01-05T12:59:59.999Z", "2026-01-05T13:00:00.000Z"):
        answer = await importer.ledger.api.call("GET", "/admin/api-keys/AAAAAAAAAAA1", params={"at": at})
        seen.append(answer.json()["status"])
    assert seen == ["active", "revoked"]
