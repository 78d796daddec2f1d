"""The long form of tests/acceptance/test_gateway_kill.py: with a standby of the sync, and many more kills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from registry.log.postgres import PostgresEventLog
from tests.support.processes.gateway_survival import survive
from tests.support.servers.databases import Database, Server


@pytest.fixture
async def gateway(server: Server, template: Database) -> AsyncIterator[Database]:
    """The gateway's own database."""
    assert template  # it makes the role
    made = await server.copy()
    yield made
    await server.drop(made)


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("syncs", "rounds"), [(2, 30), (0, 15)])
async def test_many_kills_bring_no_ended_key_back(
    tmp_path: Path, database: Database, gateway: Database, postgres_log: PostgresEventLog, syncs: int, rounds: int
) -> None:
    place = gateway if syncs else database
    sampler = await survive(tmp_path, database, place, postgres_log, seed=3, syncs=syncs, rounds=rounds, writes=200)
    assert len(sampler.closed) > 100
    assert sampler.looks > 1000
