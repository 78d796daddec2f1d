"""Random lives of keys and a token, written to a real log by callers at the same time."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

from registry.errors import Refused
from registry.keys.commands import EditKey
from registry.log.event_log import Caller
from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from registry.service import KeyService, NewKey
from registry.tokens.service import NewToken, TokenService

CALLER = Caller("operator")
NAMES = ("customer_id", "project_id", "env")


async def work(log: PostgresEventLog, queries: Queries, seed: int) -> None:
    """A random life of some keys and a token, edits together and backdated ones too."""
    chance = random.Random(seed)
    keys, tokens = KeyService(log, queries.public_id), TokenService(log)
    token = (await tokens.create(NewToken(f"token {seed}", ("keys:read",)), CALLER)).token
    made = [await keys.create(NewKey(dict.fromkeys(NAMES[: chance.randrange(4)], "0")), CALLER) for _ in range(4)]

    async def edit() -> None:
        answer = chance.choice(made)
        back = chance.random() < 0.4
        at = answer.key.created_at + timedelta(milliseconds=chance.choice((0, 1, 2, 100, 500))) if back else None
        values = (None, "1", "2", "3")
        patch = {name: chance.choice(values) for name in chance.sample(NAMES, chance.randrange(1, 4))}
        command = EditKey(tags=patch, effective_at=at, reason="x", may_backdate=True)
        if not back and chance.random() < 0.3:
            command = EditKey(description=chance.choice((None, "a", "b")))
        try:
            await keys.edit(answer.key.public_id, command, CALLER)
        except Refused:
            return  # after its end, or too many wait

    async def change() -> None:
        public_id = chance.choice(made).key.public_id
        what = chance.randrange(5)
        if what == 0:
            await keys.suspend(public_id, CALLER)
        elif what == 1:
            await keys.resume(public_id, CALLER)
        elif what == 4:
            key, seen = await queries.key(public_id)
            for one in key.pending(seen.now)[:1]:
                with suppress(Refused):  # it is in effect by now
                    await keys.cancel_scheduled(public_id, one.position, CALLER)
        else:
            overlap = timedelta(hours=1) if what == 2 else None
            rotated = await keys.rotate(public_id, overlap, CALLER)
            ends = chance.choice(rotated.key.credentials).credential_id
            await keys.revoke_credential(public_id, ends, CALLER)

    for _ in range(8):
        await asyncio.gather(*(edit() for _ in range(6)), *(change() for _ in range(2)))
    await keys.revoke(made[0].key.public_id, CALLER)
    await tokens.revoke(token.token_id, CALLER)
