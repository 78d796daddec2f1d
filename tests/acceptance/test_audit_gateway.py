"""`keyledger audit verify` and `--repair` of a gateway's table of keys, as an operator runs them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.gateway.rules import check
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.parts import PATIENCE_S
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import embedded, started

# The sync compares all keys once at its start, and then not again while the test goes on.
SLOWLY = {"KEYLEDGER_GATEWAY_RECONCILE_KEYS_PER_S": "1"}


async def test_a_key_that_somebody_enabled_at_the_gateway_is_found_and_put_back_by_command(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data", "--gateway", environ=SLOWLY)
    async with started(registry), registry.portal() as portal, embedded(registry.folder) as driver:
        kept, revoked = await portal.create({}), await portal.create({})
        await portal.revoke(revoked["public_id"])
        await _compared(registry)
        code, out, err = await registry.ask("audit", "verify")
        assert (code, out.splitlines()[-1]) == (
            0, "everything is as the log says, up to position 4, 2 rows of the gateway's table of keys among it",
        ), err  # fmt: skip
        await driver.execute("UPDATE tensorzero_auth_api_key SET disabled_at = NULL")
        code, out, err = await registry.ask("audit", "verify")
        assert code == 1
        assert f"CHANGED tensorzero_auth_api_key at position 4: the row of the credential {revoked['public_id']}" in out
        assert out.splitlines()[-1] == "  do: keyledger audit verify --repair"
        assert "1 finding" in err
        code, out, err = await registry.command("audit", "verify", "--repair")
        made, result = out.splitlines()
        assert (code, result) == (0, "everything is as the log says"), err
        assert made.startswith("rebuilt: 0 positions in ClickHouse, 0 streams of current state, 1 rows of the gateway")
        assert [await check(driver, key["api_key"]) for key in (kept, revoked)] == ["valid", "disabled"]
        again = await registry.json("audit", "verify", "--repair")
        assert again["repaired"] == {"positions": 0, "streams": 0, "gateway_rows": 0, "usage_entries": 0}
        assert (await registry.json("audit", "verify"))["gateway_rows"] == 2


async def _compared(registry: RegistryProcess) -> None:
    """Return when the sync has compared all keys."""
    async with asyncio.timeout(PATIENCE_S):
        while (await registry.json("status"))["gateways"][0]["reconciled_at"] is None:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)
