"""The rows of current state, written with the events, are what a fresh fold of the log gives."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from datetime import timedelta

from registry.errors import Refused
from registry.keys.commands import EditKey
from registry.keys.events import (
    AdminTokenCreated,
    KeyCreated,
    credential_issued,
    key_stream,
)
from registry.keys.state import KeyState
from registry.log import chain, stream_state
from registry.log.codec import decode
from registry.log.event_log import Caller, RecordedEvent
from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from registry.service import KeyService, NewKey, TokenService
from tests.support.contracts.writes import assert_whole, read_all
from tests.support.servers.databases import Database

CALLER = Caller("operator")
NAMES = ("customer_id", "project_id", "env")


async def work(log: PostgresEventLog, queries: Queries, seed: int) -> None:
    """A random life of some keys and a token, edits together and backdated ones too."""
    chance = random.Random(seed)
    keys, tokens = KeyService(log, queries.public_id), TokenService(log)
    token, _ = await tokens.create(f"token {seed}", ("keys:read",), CALLER)
    made = [await keys.create(NewKey(dict.fromkeys(NAMES[: chance.randrange(4)], "0")), CALLER) for _ in range(4)]

    async def edit() -> None:
        answer = chance.choice(made)
        back = chance.random() < 0.4
        at = answer.key.created_at + timedelta(milliseconds=chance.randrange(3)) if back else None
        values = (None, "1", "2", "3")
        patch = {name: chance.choice(values) for name in chance.sample(NAMES, chance.randrange(1, 4))}
        command = EditKey(tags=patch, effective_at=at, reason="x", may_backdate=True)
        if not back and chance.random() < 0.3:
            command = EditKey(description=chance.choice((None, "a", "b")))
        try:
            await keys.edit(answer.key.public_id, command, CALLER)
        except Refused:
            return  # in the future by a millisecond, or after its end

    async def change() -> None:
        public_id = chance.choice(made).key.public_id
        what = chance.randrange(4)
        if what == 0:
            await keys.suspend(public_id, CALLER)
        elif what == 1:
            await keys.resume(public_id, CALLER)
        else:
            overlap = timedelta(hours=1) if what == 2 else None
            rotated = await keys.rotate(public_id, overlap, CALLER)
            ends = chance.choice(rotated.key.credentials).credential_id
            await keys.revoke_credential(public_id, ends, CALLER)

    for _ in range(8):
        await asyncio.gather(*(edit() for _ in range(6)), *(change() for _ in range(2)))
    await keys.revoke(made[0].key.public_id, CALLER)
    await tokens.revoke(token.token_id, CALLER)


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
            assert json.loads(row["tags"]) == state.tags
            assert (row["created_position"], row["revoked_at"]) == (history[0].position, state.revoked_at)
            assert row["suspended_at"] == state.suspended_at
            issued = [one for event in history if (one := credential_issued(decode(event))) is not None]
            assert [one.credential_id for one in issued] == [one.credential_id for one in state.credentials]
            for one in issued:
                assert one.commitment == chain.commitment(hashes[one.credential_id])
        else:
            assert isinstance(first, AdminTokenCreated)
            assert first.commitment == chain.commitment(row["secret_hash"])
