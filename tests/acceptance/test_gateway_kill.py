"""kill -9 of registry and sync under load: the gateway's table converges, what ended stays so, no other row changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from registry.log.postgres import PostgresEventLog
from tests.support.processes.gateway_survival import survive
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database


@pytest.fixture
async def gateway(blank: Copies) -> AsyncIterator[Database]:
    """The gateway's own database."""
    made = await blank.take()
    yield made
    blank.drop(made)


@pytest.mark.long  # while the sync is killed, callers that wait for the gateway do so for thirty seconds
async def test_between_two_databases_no_kill_brings_an_ended_key_back(
    tmp_path: Path, database: Database, gateway: Database, postgres_log: PostgresEventLog
) -> None:
    sampler = await survive(tmp_path, database, gateway, postgres_log, seed=1, syncs=1, rounds=2, writes=120)
    assert len(sampler.closed) > 10
    assert sampler.looks > 100


@pytest.mark.long  # the rows are written in the append's transaction, whose kills `test_kill.py` has
async def test_in_one_database_an_answered_end_is_there_at_once_whoever_is_killed(
    tmp_path: Path, database: Database, postgres_log: PostgresEventLog
) -> None:
    sampler = await survive(tmp_path, database, database, postgres_log, seed=2, syncs=0, rounds=2, writes=120)
    assert len(sampler.closed) > 10
