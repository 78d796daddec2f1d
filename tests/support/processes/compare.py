"""A program: does the ledger that the settings name equal a fresh replay of their log, row for row?"""

from __future__ import annotations

import asyncio

from keyledger.runtime.services import open_services
from keyledger.settings import Settings
from tests.support.kafka_world import Way


async def main() -> None:
    """Compare; an AssertionError when they differ."""
    settings = Settings.read()
    database_url, clickhouse_url = settings.require("database_url", "clickhouse_url")
    async with open_services(settings, database_url, clickhouse_url) as services:
        log = services.registry.log
        await Way(log, services.registry.engine, "", "", services.clickhouse, services.names).assert_whole()


if __name__ == "__main__":
    asyncio.run(main())
