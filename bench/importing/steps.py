"""One step of the bench in a process of its own: it prints its keys a second and the greatest memory it had.

    python -m bench.importing.steps STEP JSON

JSON has the arguments below. What a process needs to start and to connect is in no figure; reading the mapping is.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from bench.replaying.made_log import plain
from gateways.tensorzero.importing.key_table_reader import FIRST, PAGE, KeyTableReader, open_reader
from gateways.tensorzero.importing.mapping import read_mapping
from gateways.tensorzero.importing.mapping_csv import read_csv
from gateways.tensorzero.importing.run import Import, Order
from gateways.tensorzero.key_table import GatewayTable
from keyledger.runtime.garbage import collecting_rarely
from keyledger.runtime.registry import open_registry
from keyledger.settings import Settings
from registry.db.connection import make_engine
from registry.log.event_log import Caller

REFERENCE: Final = """
DROP TABLE IF EXISTS reference_key;
CREATE TABLE reference_key (
    public_id TEXT PRIMARY KEY, organization TEXT, workspace TEXT, description TEXT, hash TEXT, created_us BIGINT,
    disabled_us BIGINT, expires_us BIGINT
);
"""
_COLUMNS: Final = (
    "public_id", "organization", "workspace", "description", "hash", "created_us", "disabled_us", "expires_us",
)  # fmt: skip


class Asked(msgspec.Struct, frozen=True):
    """The log is at `url`, as the application; the gateway's table at `gateway_url`, the mapping in a file."""

    url: str
    gateway_url: str
    mapping: str


async def copy(asked: Asked, source: KeyTableReader) -> tuple[int, float]:
    """The same pages, copied into a plain table with a primary key, a transaction a page."""
    connection = await asyncpg.connect(plain(asked.gateway_url))
    await connection.execute(REFERENCE)
    keys, began = 0, time.perf_counter()
    page = await source.page(FIRST)
    while page.keys:
        records = [
            (
                row.public_id, row.details.organization, row.details.workspace, row.details.description, row.hash,
                row.created_us, row.disabled_us, row.expires_us,
            )
            for row in page.keys
        ]  # fmt: skip
        await connection.copy_records_to_table("reference_key", columns=_COLUMNS, records=records)
        keys += len(page.keys)
        page = await source.page(page.last)
    seconds = time.perf_counter() - began
    await connection.close()
    return keys, seconds


async def import_(asked: Asked, source: KeyTableReader) -> tuple[int, float]:
    """What `keyledger import tensorzero --tags FILE --apply` does."""
    async with open_registry(Settings(append_batch=PAGE), asked.url) as registry:
        began = time.perf_counter()
        mapping = read_mapping(Path(asked.mapping), {".csv": read_csv})
        caller = Caller("operator", None, "0" * 32, "imported from tensorzero")
        running = Import(source, registry.keys, registry.queries, Order(caller, mapping, apply=True))
        async for _ in running.run():
            pass
        seconds = time.perf_counter() - began
    counts = running.counts
    assert counts.imported + counts.known == counts.keys, counts
    return counts.keys, seconds


async def run(name: str, asked: Asked) -> tuple[int, float]:
    """A step on the gateway's table."""
    engine = make_engine(asked.gateway_url)
    async with open_reader(GatewayTable(engine)) as source:
        done = await (copy if name == "copy" else import_)(asked, source)
    await engine.dispose()
    return done


def main() -> None:
    """Run the step and print."""
    asked = msgspec.json.decode(sys.argv[2], type=Asked)
    with collecting_rarely():
        keys, seconds = asyncio.run(run(sys.argv[1], asked))
    print(json.dumps({"keys": keys, "rate": keys / seconds, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """The greatest resident memory of this process. What `getrusage` says begins with the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
