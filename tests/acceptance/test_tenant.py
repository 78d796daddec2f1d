"""A tenant whose keys a gateway had before: taken over, moved, rotated, suspended, resumed, revoked, billed rightly.

Over real HTTP and real commands, beside a real table of the gateway's, which says of each key what its gateway would.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyledger.demo.gateway_rows import SMALL, GatewayRows
from registry.instant import format_ms, parse_instant, to_ms
from tests.support.gateway.gateway_keys import GatewayKeys, MadeKey
from tests.support.gateway.rules import check, parse
from tests.support.oracle.truth import assert_bill_is_right, facts_of, rows_of
from tests.support.portal import AdminClient
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.servers.copies import Copies
from tests.support.servers.databases import plain

TENANT = "ten4ntKey001"
SECRET = "s" * 48
OLD = f"sk-t0-{TENANT}-{SECRET}"
DISABLED, STRANGER = "dis4bledKey1", "str4ngerKey1"


@pytest.fixture
async def gateway(blank: Copies) -> AsyncIterator[GatewayKeys]:
    """A gateway that has been in use for ninety days, with three keys."""
    made = GatewayKeys(await blank.take())
    await made.create()
    since = datetime.now(UTC) - timedelta(days=90)
    await made.add(
        MadeKey(TENANT, hash=parse(OLD).hash, description="production", created_at=since),
        MadeKey(DISABLED, created_at=since, disabled_at=since + timedelta(days=5)),
        MadeKey(STRANGER, created_at=since),
    )
    yield made
    blank.drop(made.database)


@pytest.fixture
async def registry(
    gateway: GatewayKeys, tmp_path: Path, initialised: InitialisedFolder
) -> AsyncIterator[RegistryProcess]:
    """A running registry that keeps that gateway's table."""
    environ = {"KEYLEDGER_GATEWAY_DATABASE_URL": plain(gateway.url)}
    process = await initialised.registry(tmp_path / "data", environ=environ)
    await process.start()
    yield process
    assert await process.stop() == 0


@dataclass
class Usage:
    """What the tenant's credentials are used for, each use at a price that shows in a sum."""

    rows: GatewayRows = field(default_factory=lambda: GatewayRows(random.Random(6)))
    expected: dict[str | None, Decimal] = field(default_factory=dict)
    late: dict[str | None, Decimal] = field(default_factory=dict)
    uses: int = 0

    def use(
        self, credential_id: str, at: str | datetime, bills: str | None, *, ms: int = 0, late: bool = False
    ) -> None:
        """One inference, some milliseconds from an instant, and who pays for it."""
        at_ms = to_ms(parse_instant(at) if isinstance(at, str) else at) + ms
        self.uses += 1
        tokens = 4 * 2**self.uses  # a millionth of a dollar, two, four …
        self.rows.model(self.rows.chat(at_ms, credential_id), at_ms, SMALL, tokens, 0)
        sums = self.late if late else self.expected
        sums[bills] = sums.get(bills, Decimal(0)) + Decimal(tokens) * Decimal("0.00000025")

    def assert_billed(self, bill: dict[str, Any]) -> None:
        """The bill has each use where it belongs."""
        for part, sums in (("lines", self.expected), ("late_lines", self.late)):
            found = {line["by"]["customer_id"]: Decimal(line["cost_usd"]) for line in bill[part]}
            assert found == sums, part
        assert bill["total"]["inferences"] + sum(line["inferences"] for line in bill["late_lines"]) == self.uses


async def test_a_tenants_story(registry: RegistryProcess, gateway: GatewayKeys, tmp_path: Path) -> None:
    usage = Usage()
    async with registry.portal() as portal, gateway.database.connect() as driver:
        await _take_over(registry, tmp_path, usage, portal)

        moved = await portal.edit(TENANT, {"tags": {"customer_id": "globex"}}, reason="sold")
        moved_at = (await portal.history(TENANT))[-1]["effective_at"]
        usage.use(TENANT, moved_at, "acme", ms=-1)
        usage.use(TENANT, moved_at, "globex")
        assert (moved["tags"], await check(driver, OLD)) == ({"customer_id": "globex", "tier": "gold"}, "valid")

        new = await _rotate(portal, usage, driver)
        await _suspend_and_resume(portal, usage, driver, new)

        revoked = await portal.revoke(TENANT, reason="contract ended", wait_for="gateway")
        for text in (OLD, new):
            assert await check(driver, text) == "disabled"
        usage.use(parse(new).public_id, revoked["revoked_at"], "globex", ms=-1)
        for credential in (TENANT, parse(new).public_id):  # the gateway's cache lets it in for a second more
            usage.use(credential, revoked["revoked_at"], "globex", ms=500, late=True)

        await registry.load(usage.rows, tmp_path / "rows")
        facts = await facts_of(portal, [TENANT, DISABLED, STRANGER])
        usage.assert_billed(await assert_bill_is_right(portal, facts, rows_of([usage.rows]), ["customer_id"]))
        # Before the import nobody's key was known; before the move all of it was acme's.
        for known_at in (0, moved["position"] - 1):
            await assert_bill_is_right(portal, facts, rows_of([usage.rows]), ["customer_id"], known_at)
    await _audit(registry, parse(new).public_id)


async def _take_over(registry: RegistryProcess, folder: Path, usage: Usage, portal: AdminClient) -> None:
    """The keys of the gateway come under the log, and what they were used for before is billed."""
    tags = folder / "tags.csv"
    tags.write_text(f"public_id,customer_id,tier\n{TENANT},acme,gold\n{DISABLED},initech,\n")
    dry = await registry.json("import", "tensorzero", "--tags", str(tags))
    assert (dry["applied"], dry["new"], dry["without_tags"], dry["faulty"]) == (False, 3, 1, 0)
    assert (await portal.http.get(f"/admin/api-keys/{TENANT}")).status_code == 404
    done = await registry.json("import", "tensorzero", "--tags", str(tags), "--apply", "--reason", "taken over")
    assert (done["applied"], done["imported"]) == (True, 3)
    again = await registry.json("import", "tensorzero", "--tags", str(tags), "--apply")
    assert (again["imported"], again["known"], again["position"]) == (0, 3, done["position"])
    key, ended = await portal.show(TENANT), await portal.show(DISABLED)
    assert (key["status"], key["tags"], key["description"]) == (
        "active",
        {"customer_id": "acme", "tier": "gold"},
        "production",
    )
    assert ended["status"] == "revoked"
    usage.use(TENANT, key["created_at"], "acme")
    usage.use(TENANT, key["created_at"], "acme", ms=30 * 86_400_000)
    usage.use(STRANGER, key["created_at"], None, ms=5)
    usage.use(DISABLED, ended["revoked_at"], "initech", ms=-1)
    usage.use(DISABLED, ended["revoked_at"], "initech", late=True)


async def _rotate(portal: AdminClient, usage: Usage, driver: Any) -> str:
    """The key gets another secret; both work and are billed for two hours, then the old one ends by itself."""
    rotated = await portal.rotate(TENANT, overlap_s=7200)
    new: str = rotated["api_key"]
    old, added = rotated["credentials"]
    position = rotated["position"]
    await _until_synced(portal, position)
    assert [await check(driver, text) for text in (OLD, new)] == ["valid", "valid"]
    end = parse_instant(old["expires_at"])
    assert end - parse_instant(added["created_at"]) == timedelta(hours=2)
    assert await check(driver, OLD, end - timedelta(milliseconds=1)) == "valid"
    assert [await check(driver, text, end) for text in (OLD, new)] == ["expired", "valid"]
    usage.use(TENANT, added["created_at"], "globex", ms=1)
    usage.use(added["credential_id"], added["created_at"], "globex", ms=1)
    usage.use(TENANT, end, "globex", ms=-1, late=True)  # by then the key is revoked
    return new


async def _suspend_and_resume(portal: AdminClient, usage: Usage, driver: Any, new: str) -> None:
    """Nothing works while the invoice is unpaid, and everything after it."""
    path = f"/admin/api-keys/{TENANT}"
    answer = await portal.http.post(f"{path}/suspend", json={"reason": "unpaid"}, params={"wait_for": "gateway"})
    assert answer.json()["status"] == "suspended"
    assert [await check(driver, text) for text in (OLD, new)] == ["disabled", "disabled"]
    suspended_at = (await portal.history(TENANT))[-1]["effective_at"]
    resumed = await portal.resume(TENANT, reason="paid")
    await _until_synced(portal, resumed["position"])
    assert [await check(driver, text) for text in (OLD, new)] == ["valid", "valid"]
    resumed_at = (await portal.history(TENANT))[-1]["effective_at"]
    usage.use(TENANT, suspended_at, "globex", ms=-1)
    usage.use(parse(new).public_id, suspended_at, "globex", late=True)
    usage.use(TENANT, resumed_at, "globex", ms=-1, late=True)
    usage.use(parse(new).public_id, resumed_at, "globex")


async def _until_synced(portal: AdminClient, position: int) -> None:
    """Return when the gateway's table has a position: a call that changes nothing can wait for it."""
    made = await portal.create({})
    await portal.revoke(made["public_id"], wait_for="gateway")
    assert made["position"] > position


async def _audit(registry: RegistryProcess, new: str) -> None:
    """Each step is in the history, told for a person, and the books agree."""
    told = await registry.json("audit", "history", new)
    assert [(one["type"], one["reason"]) for one in told] == [
        ("KeyImported", "taken over"),
        ("TagsChanged", "sold"),
        ("KeyRotated", None),
        ("KeySuspended", "unpaid"),
        ("KeyResumed", "paid"),
        ("KeyRevoked", "contract ended"),
    ]
    assert told[0]["backdated"]
    fields = [{change["field"]: (change["from"], change["to"]) for change in one["changes"]} for one in told]
    assert fields[1]["tags.customer_id"] == ("acme", "globex")
    assert fields[2][f"credentials.{new}"] == (None, "active")
    assert [one["status"] for one in fields[3:]] == [
        ("active", "suspended"),
        ("suspended", "active"),
        ("active", "revoked"),
    ]
    shown = await registry.json("keys", "show", TENANT)
    assert {one["credential_id"]: one["inferences"] > 0 for one in shown["usage"]["items"]} == {TENANT: True, new: True}
    code, out, err = await registry.ask("audit", "verify")
    assert code == 0, out + err
    assert format_ms(parse_instant(told[0]["effective_at"])) == shown["created_at"]
