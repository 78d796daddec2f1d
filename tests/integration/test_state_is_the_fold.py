"""The rows of current state, written with the events, are what a fresh fold of the log gives."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

from registry.keys.events import (
    AdminTokenCreated,
    KeyCreated,
    credential_issued,
    key_stream,
)
from registry.keys.state import KeyState
from registry.log import chain, stream_state
from registry.log.codec import decode
from registry.log.event_log import RecordedEvent
from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from tests.support.contracts.writes import assert_whole, read_all
from tests.support.random_lives import work
from tests.support.servers.databases import Database


async def test_current_state_is_a_fresh_fold_of_the_log(database: Database, postgres_log: PostgresEventLog) -> None:
    async with database.engine() as engine:
        await asyncio.gather(*(work(postgres_log, Queries(engine), seed) for seed in range(4)))
    events = await read_all(postgres_log, 500)
    assert_whole(events, postgres_log.genesis_hash)
    assert len(events) > 100
    streams: dict[str, list[RecordedEvent]] = defaultdict(list)
    for event in events:
        streams[event.stream].append(event)
    async with database.connect() as owner:
        keys = {row["stream"]: row for row in await owner.fetch("SELECT * FROM keyledger.key_state")}
        tokens = {row["stream"]: row for row in await owner.fetch("SELECT * FROM keyledger.admin_token")}
        hashes = dict(await owner.fetch("SELECT credential_id, secret_hash FROM keyledger.credential"))
    assert keys.keys() | tokens.keys() == streams.keys()
    for stream, history in streams.items():
        row = keys.get(stream) or tokens[stream]
        state = stream_state.fold(history)
        assert stream_state.load(stream, row["document"]) == state
        first = decode(history[0])
        if isinstance(state, KeyState):
            assert isinstance(first, KeyCreated)
            assert stream == key_stream(row["public_id"])
            assert json.loads(row["tags"]) == state.tags(state.created_at)
            assert (row["created_position"], row["revoked_at"]) == (history[0].position, state.revoked_at)
            assert row["suspended_at"] == state.suspended_at
            issued = [one for event in history if (one := credential_issued(decode(event))) is not None]
            assert [one.credential_id for one in issued] == [one.credential_id for one in state.credentials]
            for one in issued:
                assert one.commitment == chain.commitment(hashes[one.credential_id])
        else:
            assert isinstance(first, AdminTokenCreated)
            assert first.commitment == chain.commitment(row["secret_hash"])
