"""What an operator does after a fault, by docs/operate.md and no more, and what must be so afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.chaos.recorded import Recorded
from tests.support.chaos.usage import Usage
from tests.support.chaos.writers import Writers
from tests.support.processes.registry_process import RegistryProcess
from tests.support.waiting import eventually

_BROKEN = """
SELECT database, table, name
FROM system.detached_parts
WHERE database = '{}' AND reason LIKE '%broken%'
"""
QUIET_S = 60


@dataclass
class Operator:
    """Of one registry."""

    process: RegistryProcess
    writers: Writers
    usage: Usage

    async def settle(self) -> None:
        """Start it if it does not run, do what the alarms ask for until there is none, and load what waits."""

        async def quiet() -> list[dict[str, Any]]:
            if not self.process.runs:  # it also ends by itself, a moment after its PostgreSQL
                await self.process.start()
            alarms = await self._alarms()
            for alarm in alarms:
                await self._act_on(alarm)
            return alarms

        left = await eventually(quiet, lambda alarms: not alarms, timeout_s=QUIET_S, poll_s=0.3)
        assert not left, left
        assert await eventually(self.usage.load_again, bool, timeout_s=QUIET_S)

    async def check(self, *, bill: bool) -> None:
        """Nothing that was acknowledged is lost, an audit finds nothing, and, if asked, the bill is the oracle's."""
        async with self.process.portal() as portal:
            recorded = await Recorded.read(portal)
            recorded.check(self.writers)
            assert not bill or await eventually(
                lambda: self.usage.compare(portal, recorded.facts, recorded.position), bool, timeout_s=QUIET_S
            ), "the bill is refused"
        code, out, err = await self.process.ask("audit", "verify")
        assert code == 0, out + err

    async def _alarms(self) -> list[dict[str, Any]]:
        code, out, err = await self.process.ask("status", "--json")
        if not out:
            return [{"kind": "no answer", "detail": err}]
        alarms: list[dict[str, Any]] = json.loads(out)["alarms"]
        assert code == (1 if alarms else 0), out
        return alarms

    async def _act_on(self, alarm: dict[str, Any]) -> None:
        if alarm["kind"] == "clock" and "behind the last event" in alarm["detail"]:
            await self.process.ask("accept-clock", "--reason", "a test had set the clock")
        if alarm["kind"] == "rows_missing" and "keyledger.usage_" in alarm["detail"]:
            code, _, _ = await self.process.ask("audit", "verify", "--repair")
            if code == 0:
                await self._remove("keyledger")
        if alarm["kind"] == "rows_missing" and "tensorzero." in alarm["detail"]:
            if not await self.usage.load_everything_again():
                return
            await self._remove("tensorzero")
            await self.process.ask("sql", "TRUNCATE TABLE keyledger.gateway_blocks_v1")

    async def _remove(self, database: str) -> None:
        """What was put aside of a database, and has been written again."""
        for part in await self.process.json("sql", _BROKEN.format(database)):
            drop = f"ALTER TABLE {database}.{part['table']} DROP DETACHED PART '{part['name']}'"
            await self.process.ask("sql", f"{drop} SETTINGS allow_drop_detached = 1")
