"""Parts that an embedded engine can't read any more: after a disk that was full, or by a fault of it.

The engine looks at a table's files when it loads the table, and not again: each statement that reads such a part fails
until then. So where one has failed, the tables with such parts are loaded again. The engine then sets the part aside,
and takes those that it was merged from where it still has them; what is missing for good, `presence` finds.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from projections.engine.of_engine import OfEngine
from projections.errors import ClickHouseDamaged, ClickHouseError

if TYPE_CHECKING:
    from projections.engine.client import ClickHouse

logger = logging.getLogger(__name__)

# Codes of the engine for files that are not as it wrote them.
CODES: Final = frozenset(
    {
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        40,  # CHECKSUM_DOESNT_MATCH
        226,  # NO_FILE_IN_DATA_PART
        228,  # BAD_SIZE_OF_FILE_IN_DATA_PART
        246,  # CORRUPTED_DATA
        271,  # CANNOT_DECOMPRESS
        740,  # POTENTIALLY_BROKEN_DATA_PART
    }
)
_UNKNOWN_TABLE: Final = 60
# A table is in use until the statements that read it have ended.
_IN_USE_S: Final = 120.0
# For how long after it was loaded a statement may still say that it was not there.
_IN_DOUBT_S: Final = 10.0
_TABLES: Final = """
SELECT database, name
FROM system.tables
WHERE database IN {databases:Array(String)} AND engine LIKE '%MergeTree'
ORDER BY database, name
"""


class Damage:
    """What of an engine's files is known to be unreadable. Safe for use by several threads."""

    def __init__(self) -> None:
        self._seen = threading.Event()
        self._reloaded_at = -_IN_DOUBT_S
        self._detached: set[str] = set()
        self._beyond: set[str] = set()

    def note(self, code: int | None) -> bool:
        """Whether an error of the engine says that a file can't be read; then tables are to be looked at."""
        if code in CODES:
            self._seen.set()
        return code in CODES

    def passes(self, code: int | None) -> bool:
        """Whether an error is of a table that is being loaded again, and will be there in a moment."""
        recently = time.monotonic() - self._reloaded_at < _IN_DOUBT_S
        return code == _UNKNOWN_TABLE and (recently or bool(self._detached))

    async def mend(self, clickhouse: ClickHouse, databases: Sequence[str]) -> list[str]:
        """Load those tables again that have parts that can't be read, if a statement has failed since the last call.

        Returns the names of those that can be read again. Reads all of the tables. Raises ClickHouseError.
        """
        for table in sorted(self._detached):
            await self._attach(clickhouse, table)
        if not self._seen.is_set():
            return []
        self._seen.clear()
        mended = []
        for database, name in await clickhouse.query(_TABLES, {"databases": list(databases)}):
            table = f"{database}.`{name}`"
            if table in self._beyond or await _is_whole(clickhouse, table):
                continue
            logger.error("%s.%s has a part that can't be read: the table is loaded again", database, name)
            await self._reload(clickhouse, table)
            if await _is_whole(clickhouse, table):
                mended.append(f"{database}.{name}")
            else:  # of a file of the right size the engine does not find out
                self._beyond.add(table)
                logger.error("%s.%s still has it: see docs/operate.md, Damaged files", database, name)
        self._seen.clear()  # by those who read them meanwhile, or by the look
        return mended

    async def _reload(self, clickhouse: ClickHouse, table: str) -> None:
        self._reloaded_at = time.monotonic() + _IN_USE_S
        await clickhouse.command(f"DETACH TABLE {table}", settings={"check_table_dependencies": 0})
        self._detached.add(table)
        await self._attach(clickhouse, table)

    async def _attach(self, clickhouse: ClickHouse, table: str) -> None:
        """As soon as the statements that read it have ended."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _IN_USE_S
        while True:
            self._reloaded_at = time.monotonic()
            try:
                await clickhouse.command(f"ATTACH TABLE {table}")
            except ClickHouseError:
                if loop.time() > until:
                    raise
                await asyncio.sleep(0.1)
            else:
                self._detached.discard(table)
                return


damage_of: Final = OfEngine(Damage)


async def _is_whole(clickhouse: ClickHouse, table: str) -> bool:
    try:
        rows = await clickhouse.query(f"CHECK TABLE {table} SETTINGS check_query_single_value_result = 1")
    except ClickHouseDamaged:
        return False
    return bool(rows and rows[0][0])
