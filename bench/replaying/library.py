"""The same facts in the `eventsourcing` library: its recorder, its mapper, its transcoder."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, StoredEvent, UUIDAsHex
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from sqlalchemy.engine import make_url

from bench.common import CALLER
from bench.replaying.made_log import created, edited, key_ids
from registry.log.codec import encode

_PAGE = 2_000
_EVENTS_OF_A_KEY = 50


class Changed(DomainEvent):
    """The same fact as the library has it, with what our events carry besides the payload that the library has too."""

    type: str
    actor: str
    payload: dict[str, Any]


class Library:
    """A recorder on the database of `url`."""

    def __init__(self, url: str) -> None:
        at = make_url(url)
        self._mapper: Mapper[UUID] = Mapper(_transcoder())
        self._store = PostgresDatastore(
            str(at.database), str(at.host), int(at.port or 0), str(at.username), str(at.password)
        )
        self._recorder = PostgresApplicationRecorder(self._store, events_table_name="library_events")

    def fill(self, count: int) -> None:
        """Record so many events."""
        self._recorder.create_table()
        for public_id in key_ids(count // _EVENTS_OF_A_KEY):
            self._recorder.insert_events(self._stored(public_id))

    def replay(self) -> tuple[float, int]:
        """Seconds to select and decode all events, and how many there were."""
        began = time.perf_counter()
        start, total = 1, 0
        while page := self._recorder.select_notifications(start, _PAGE):
            for one in page:
                self._mapper.to_domain_event(one)
            total += len(page)
            start = int(page[-1].id) + 1
        return time.perf_counter() - began, total

    def close(self) -> None:
        """Close the pool."""
        self._store.close()

    def _stored(self, public_id: str) -> list[StoredEvent]:
        stream, now = uuid4(), datetime.now(UTC)
        made = [created(public_id), *(edited(edit) for edit in range(1, _EVENTS_OF_A_KEY))]
        events = [encode(one.event) for one in made]
        return [
            self._mapper.to_stored_event(
                Changed(stream, version, now, event.type, CALLER.actor, json.loads(event.payload))  # type: ignore[call-arg]
            )
            for version, event in enumerate(events)
        ]


def _transcoder() -> JSONTranscoder:
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    return transcoder
