"""Rebuilds the ledger from the log in a database next to the live one, compares the two, and switches on request.

Nothing has to stop for it. It writes only the second ledger, whose own applied position is the checkpoint: an
interrupted replay resumes. A switch exchanges the tables, and the second ledger keeps the old ones until it is dropped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from audit.errors import TargetUnfit
from audit.replay.compare_ledgers import compare_ledgers
from audit.replay.projecting import BATCH, project_into, store_for
from audit.replay.shadow_ledger import ShadowLedger
from audit.replay.switch import Switch
from audit.replay.uninterrupted import uninterrupted
from audit.report import Finding
from audit.sources import AuditSources
from projections.engine.templates import Names
from projections.ledger.applied import wait_until_applied
from registry.errors import FieldFault, FieldsRefused
from registry.progress import Progress

# The maximum number of differences to report; all are counted.
MAX_REPORTED: Final = 1000
_SETTLE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """The end of a replay into the database `target`, which holds every event up to `position`.

    `differences` counts where tables of the live ledger, up to position `compared`, did not match the log; both are
    None if an interrupted switch was finished. `live_position` is now applied in the live ledger.
    """

    target: str
    position: int
    compared: int | None
    differences: int | None
    switched: bool
    live_position: int


class Replay:
    """One replay of the log into `target`, up to the position `until` or to the head.

    Creating it runs no query, and raises TargetUnfit for an invalid name.
    """

    def __init__(self, books: AuditSources, target: str, until: int | None = None, *, switch: bool = False) -> None:
        self._books = books
        self._target = target
        self._until = until
        self._switch = switch
        self._shadow = ShadowLedger(books.clickhouse, books.names, target, str(books.log.log_id))
        self._switching = Switch(books.log, books.clickhouse, books.names, self._shadow)

    @property
    def names(self) -> Names:
        """The databases of the second ledger: code that takes names can query it for a bill."""
        return self._shadow.names

    async def check(self) -> int:
        """The position to replay to. Raises FieldsRefused, TargetUnfit, RegistryError, ClickHouseError."""
        head = (await self._books.log.head()).position
        if self._until is not None and self._switch:
            raise FieldsRefused(FieldFault("until", "goes without switch: the live ledger has all that the log has"))
        if self._until is not None and self._until > head:
            raise FieldsRefused(FieldFault("until", f"is beyond the head of the log, {head}"), position=head)
        there = await self._shadow.check()
        if self._switch:
            await self._shadow.check_exchange()
        elif there and await self._switching.planned() is not None:
            raise TargetUnfit(f"{self._target} keeps the ledger of before a switch: drop it, or choose another name")
        return head if self._until is None else self._until

    async def run(self, *, batch: int = BATCH) -> AsyncGenerator[Progress | Finding | Replayed, None]:
        """Run it; yields progress, the faults of the live ledger, and the end. One at a time: see `alone`.

        After a switch, the live ledger has applied at least as much as before. Raises what `check` raises, and
        ProjectionError; run it again to resume.
        """
        until = await self.check()
        await self._shadow.make()
        if await self._switching.planned() is not None:
            yield await self._switched(None, None)
            return
        # A switch that died before its first exchange holds the live ledger for no reason.
        await self._switching.release()
        store, log = store_for(self._books.clickhouse, self.names), self._books.log
        applied = await store.applied()
        if applied.position > until:
            raise TargetUnfit(f"{self._target} holds the events up to position {applied.position}: drop it for fewer")
        async with aclosing(project_into(log, store, applied, until, batch=batch)) as positions:
            async for position in positions:
                yield Progress("replaying", position, until)
        compared, differences = await self._settled(until), 0
        async with aclosing(self._compare(compared, until)) as parts:
            async for part in parts:
                differences += isinstance(part, Finding)
                if isinstance(part, Progress) or differences <= MAX_REPORTED:
                    yield part
        if self._switch:
            async for progress in self._switching.approach(batch):
                yield progress
            yield await self._switched(compared, differences)
            return
        live = (await self._books.store.applied()).position
        yield Replayed(self._target, until, compared, differences, switched=False, live_position=live)

    async def drop(self) -> int:
        """Drop the second ledger; returns the number of its rows. Raises TargetUnfit, ClickHouseError."""
        if not await self._shadow.check():
            raise TargetUnfit(f"there is no ledger {self._target} that a replay made")
        if await self._switching.planned() is not None and await self._switching.holding():
            raise TargetUnfit(f"the switch to {self._target} is half done: finish it with --into and --switch")
        await self._switching.release()
        return await self._shadow.drop()

    async def _compare(self, compared: int, until: int) -> AsyncGenerator[Progress | Finding, None]:
        again = f"keyledger audit replay --into {self._target} --switch, or keyledger audit verify --repair"
        fix = f"none: it goes into {self._target} with the old tables" if self._switch else again
        if compared < until:
            detail = f"nothing is applied after position {compared}: later positions were not compared"
            yield Finding("not_applied", "event_applied_v1", detail, fix, compared + 1)
        parts = compare_ledgers(self._books.clickhouse, self._books.names, self.names, compared, fix)
        async with aclosing(parts):
            async for part in parts:
                yield part

    async def _settled(self, until: int) -> int:
        """How much of it the live ledger has applied, after its writers had a moment to finish what they began."""
        applied = await wait_until_applied(self._books.store, until, _SETTLE_S)
        return min(until, applied.position)

    async def _switched(self, compared: int | None, differences: int | None) -> Replayed:
        """Switch, or finish a switch; a finished one is not changed."""
        if await self._switching.planned() is not None and not await self._switching.holding():
            await self._books.store.reload_dictionary()  # the last step, perhaps the one at which it died
            position = (await self._books.store.applied()).position
        else:
            # Must not stop half way: until it is done, nothing more is applied in the live ledger.
            position = await uninterrupted(self._switching.finish())
        return Replayed(self._target, position, compared, differences, switched=True, live_position=position)
