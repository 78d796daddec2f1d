"""From a request about many keys to the log: choose the keys, decide under the lock, append all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from registry.errors import FieldFault, FieldsRefused
from registry.keys import bulk
from registry.keys import secrets as secret
from registry.keys.bulk import MAX_CHANGED, EditKeys
from registry.keys.commands import HistoryNeeded
from registry.keys.events import key_stream
from registry.keys.state import KeyState
from registry.log.event_log import Caller, EventLog, WriteMany, WrittenMany, keeping_of
from registry.queries import Queries
from registry.service import KeyAnswer, NewKey, creation, key_of
from registry.tokens.confinement import narrowed, require_new


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key before and after a bulk edit: the same where nothing changed."""

    before: KeyState
    after: KeyState


@dataclass(frozen=True, slots=True)
class BulkEdit:
    """The keys that a bulk edit was about, newest first, with the log's head and clock then."""

    changes: Sequence[KeyChange]
    position: int
    now: datetime

    @property
    def changed(self) -> int:
        """How many of them it changed."""
        return sum(one.before is not one.after for one in self.changes)


class BulkService:
    """The commands on many keys."""

    def __init__(self, log: EventLog, queries: Queries) -> None:
        self._log = log
        self._queries = queries

    async def create(self, keys: Sequence[NewKey], caller: Caller) -> Sequence[KeyAnswer]:
        """Create keys in one transaction, all or none, in their order. Raises FieldsRefused, Forbidden, Busy."""
        for new in keys:
            require_new(caller.confined_to, new.tags, new.details)
        issued = [secret.issue_key() for _ in keys]
        decide = partial(bulk.create_all, [creation(new, one) for new, one in zip(keys, issued, strict=True)])
        write = WriteMany(
            streams=tuple(key_stream(one.id) for one in issued),
            decide=decide,
            caller=caller,
            secrets={one.id: (key_stream(one.id), one.hash) for one in issued},
            policed=True,
            new=True,
        )
        answers = partial(_created, [one.text for one in issued])
        return answers(await self._log.write_many(replace(write, keeping=keeping_of(caller, answers))))

    async def edit(self, command: EditKeys, caller: Caller, *, dry: bool = False) -> BulkEdit:
        """Change keys in one transaction, all or none; `dry`: only say what it would do.

        Keys are looked for first, and each is held against the filters again under the log's lock: one that has come to
        pass them in between may be left out, and none is changed that does not pass them. Raises what one of them
        refuses, Conflict where they are not as many as expected, FieldsRefused where they are too many, Busy.
        """
        select = command.select if caller.confined_to is None else narrowed(caller.confined_to, command.select)
        public_ids = [] if select is None else await self._queries.public_ids(select, limit=MAX_CHANGED + 1)
        if len(public_ids) > MAX_CHANGED:
            raise FieldsRefused(FieldFault("select", f"matches more than {MAX_CHANGED} keys: select fewer"))
        write = WriteMany(
            streams=tuple(map(key_stream, public_ids)),
            decide=partial(bulk.edit_all, replace(command, select=select or command.select, within=caller.confined_to)),
            caller=caller,
            stops=command.change in ("suspend", "revoke"),
            keeping=keeping_of(caller, _edited),
            policed=True,
            dry=dry,
        )
        try:
            return _edited(await self._log.write_many(write))
        except HistoryNeeded:
            return _edited(await self._log.write_many(replace(write, whole_stream=True)))


def _created(secrets: Sequence[str], written: WrittenMany) -> Sequence[KeyAnswer]:
    return [
        KeyAnswer(key_of(change.after), written.position, written.now, api_key)
        for change, api_key in zip(written.changes, secrets, strict=True)
    ]


def _edited(written: WrittenMany) -> BulkEdit:
    changes = [KeyChange(key_of(one.before), key_of(one.after)) for one in written.changes]
    return BulkEdit(changes, written.position, written.now)
