"""A log that takes anchors alone, each of which is in the ledger at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from projections.ledger.rows import project
from projections.ledger.store import Store
from projections.usage.journal.anchoring import Anchoring
from registry.log import codec
from registry.usage.events import UsageAnchored, usage_stream
from tests.support.bill_world import World
from tests.support.records import record


@dataclass
class Appended:
    """Takes anchors after a position, up to which something else was applied."""

    world: World
    position: int
    positions: list[int] = field(default_factory=list)

    async def anchor_usage(self, source: str, parts: Sequence[UsageAnchored]) -> None:
        """See Anchors."""
        store, stream = Store(self.world.clickhouse, self.world.names), usage_stream(source)
        for part in parts:
            self.position += 1
            encoded = codec.encode(part)
            event = record(
                position=self.position,
                stream=stream,
                type=encoded.type,
                payload=encoded.payload,
                recorded_at=datetime.now(UTC),
            )
            rows = project([event])
            await store.insert_anchors(rows.anchors)
            await store.insert_anchor_days(rows.anchor_days)
        self.positions.append(self.position)

    async def anchor(self) -> int:
        """Anchor all that is collected; returns the position."""
        await Anchoring(self.world.journal, self, 0.0).anchor_now()
        return self.position
