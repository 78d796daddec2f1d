"""Checks current state against the log: every row is the fold of its stream, every secret's hash the one committed to.

A page of streams is read from one snapshot: it contains concurrent writes completely or not at all.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding
from audit.sources import AuditSources
from audit.verify import sql
from registry.db.connection import fetch, snapshot
from registry.errors import UndecodableEvent
from registry.instant import to_us
from registry.keys.events import AdminTokenCreated, credential_issued
from registry.keys.state import KeyState
from registry.log import chain, codec, stream_state
from registry.log.append.state_rows import found_by
from registry.log.event_log import Foldable
from registry.log.stream_state import StreamState
from registry.prices.state import PriceState
from registry.tokens.state import TokenState

PAGE: Final = 200
_MS: Final = timedelta(milliseconds=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_REPAIR: Final = "keyledger audit verify --repair"
_STOLEN: Final = "the one who changed it may hold a working secret: revoke the key or token, and create another"
_RELAY: Final = "docs/operate.md, Backup and restore: the topic may have events that this log lost"


@dataclass(slots=True)
class Truth:
    """What the log holds of a stream: its state, and the commitment and event of each secret."""

    state: StreamState | None = None
    commitments: dict[str, tuple[str, int]] = field(default_factory=dict)
    position: int = 0
    fault: str | None = None

    def learn(self, recorded: Foldable) -> None:
        """Fold the stream's next event. An event that does not fit ends the fold; the log check reports it."""
        self.position = recorded.position
        if self.fault is not None:
            return
        try:
            event = codec.decode(recorded)
            self.state = stream_state.evolve(self.state, recorded, event)
        except (UndecodableEvent, ValueError, OverflowError):
            self.fault = f"the stream can't be folded after the event at position {recorded.position}"
            return
        if issued := credential_issued(event):
            self.commitments[issued.credential_id] = issued.commitment, recorded.position
        if isinstance(event, AdminTokenCreated):
            self.commitments[event.token_id] = event.commitment, recorded.position


@dataclass(frozen=True, slots=True)
class TrueKey:
    """What the log holds of a key, and the registry's hashes of its credentials, by id, right or wrong."""

    stream: str
    truth: Truth
    hashes: Mapping[str, str | None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StatePage:
    """The findings of some streams, the last stream (None if there are no more), and the keys that can be folded."""

    last: str | None
    findings: Sequence[Finding]
    keys: Sequence[TrueKey] = ()


async def count_streams(engine: AsyncEngine) -> int:
    """How many streams have a state, for the progress bar."""
    (row,) = await fetch(engine, sql.COUNT_STATES)
    return int(row["count"])


async def check_page(engine: AsyncEngine, after: str, size: int = PAGE) -> StatePage:
    """Compare a page of streams, starting after one. Raises Busy."""
    async with snapshot(engine) as driver:
        streams = [row["stream"] for row in await driver.fetch(sql.STREAMS, after, size)]
        if not streams:
            return StatePage(None, ())
        truths = await fold(driver, streams)
        keys = {row["stream"]: row for row in await driver.fetch(sql.KEY_STATES, streams)}
        tokens = {row["stream"]: row for row in await driver.fetch(sql.ADMIN_TOKENS, streams)}
        prices = {row["stream"]: row for row in await driver.fetch(sql.PRICE_STATES, streams)}
        credentials = await _credentials_of(driver, streams)
    found = [
        finding
        for stream in streams
        for finding in (
            *_stream(stream, truths[stream], keys.get(stream), tokens.get(stream), credentials[stream]),
            *_price(stream, truths[stream], prices.get(stream)),
        )
    ]
    return StatePage(streams[-1], found, _true_keys(truths, credentials))


async def read_keys(engine: AsyncEngine, streams: Sequence[str]) -> list[TrueKey]:
    """Some keys, all from one snapshot, without those that can't be folded. Raises Busy."""
    async with snapshot(engine) as driver:
        truths = await fold(driver, streams)
        return _true_keys(truths, await _credentials_of(driver, streams))


async def _credentials_of(driver: Any, streams: Sequence[str]) -> Mapping[str, list[Any]]:
    public_ids = [stream.removeprefix("key-") for stream in streams if stream.startswith("key-")]
    credentials: dict[str, list[Any]] = defaultdict(list)
    for row in await driver.fetch(sql.CREDENTIALS, public_ids):
        credentials[f"key-{row['public_id']}"].append(row)
    return credentials


def _true_keys(truths: Mapping[str, Truth], credentials: Mapping[str, Sequence[Any]]) -> list[TrueKey]:
    return [
        TrueKey(stream, truth, {row["credential_id"]: row["secret_hash"] for row in credentials.get(stream, ())})
        for stream, truth in truths.items()
        if stream.startswith("key-") and truth.fault is None
    ]


async def fold(driver: Any, streams: Sequence[str]) -> Mapping[str, Truth]:
    """What the log holds of some streams. Reads one event at a time: a page may have keys with very long histories."""
    truths: dict[str, Truth] = {stream: Truth() for stream in streams}
    async for row in driver.cursor(sql.FOLD_STREAMS, list(streams), prefetch=2000):
        truths[row["stream"]].learn(Foldable(*row))
    return truths


async def checkpoint_findings(books: AuditSources) -> list[Finding]:
    """Findings for relays whose checkpoint is not in this log."""
    rows = await fetch(books.engine, sql.CHECKPOINTS)
    held = await books.log.hashes([row["position"] for row in rows]) if rows else {}
    return [
        Finding(
            "changed", "relay_checkpoint", f"of the topic {row['topic']} is not of this log", _RELAY, row["position"]
        )
        for row in rows
        if row["log_id"] != books.log.log_id or held.get(row["position"]) != row["hash"]
    ]


def _stream(stream: str, truth: Truth, key: Any, token: Any, credentials: Sequence[Any]) -> Iterator[Finding]:
    if truth.fault is not None:
        yield Finding("undecodable", "event", truth.fault, "see the findings of the log", truth.position, stream)
        return
    if isinstance(truth.state, KeyState):
        yield from _row("key_state", stream, truth, None if key is None else _key_is_right(key, truth.state))
        yield from _credentials(stream, truth, credentials)
    elif key is not None:
        yield _finding("extra", "key_state", stream, truth, "the log has no such key", _REPAIR)
    if isinstance(truth.state, TokenState):
        yield from _row("admin_token", stream, truth, None if token is None else _token_is_right(token, truth.state))
        if token is not None:
            yield from _secret("admin_token", stream, truth, token["token_id"], token["secret_hash"])
    elif token is not None:
        yield _finding("extra", "admin_token", stream, truth, "the log has no such admin token", _STOLEN)
    if truth.state is None:
        for row in credentials:
            yield _finding("extra", "credential", stream, truth, _no_such(row["credential_id"]), _STOLEN)


def _price(stream: str, truth: Truth, price: Any) -> Iterator[Finding]:
    if truth.fault is not None:
        return
    if isinstance(truth.state, PriceState):
        yield from _row("price_state", stream, truth, None if price is None else _price_is_right(price, truth.state))
    elif price is not None:
        yield _finding("extra", "price_state", stream, truth, "the log has no such price", _REPAIR)


def _row(where: str, stream: str, truth: Truth, right: bool | None) -> Iterator[Finding]:
    if right is None:
        yield _finding("missing", where, stream, truth, "there is no row of it", _REPAIR)
    elif not right:
        yield _finding("changed", where, stream, truth, "its row is not what the log gives", _REPAIR)


def _key_is_right(row: Any, state: KeyState) -> bool:
    columns = ("public_id", "created_position", "expiration_us", "suspended_us", "revoked_us")
    ends = (_us(state.expiration), _us(state.suspended_at), _us(state.revoked_at))
    details = (state.details.organization, state.details.workspace, _us(state.created_at))
    return (
        tuple(row[name] for name in columns) == (state.public_id, state.created_position, *ends)
        and tuple(row[name] for name in ("organization", "workspace", "created_us")) == details
        and _is_found_rightly(row, state)
        and _document_is_right(row, state)
    )


def _is_found_rightly(row: Any, state: KeyState) -> bool:
    """Whether the columns by which lists find the key are those until the next scheduled change that the row names."""
    due = [one.effective_at for one in state.scheduled if to_us(one.effective_at) == row["tags_due_us"]]
    if not due and row["tags_due_us"] is not None:
        return False
    tags, search, due_at = found_by(state, due[0] - _MS if due else _NEVER)
    right = (json.loads(tags), search, _us(due_at))
    return (json.loads(row["tags"]), row["search"], row["tags_due_us"]) == right


def _us(instant: datetime | None) -> int | None:
    return None if instant is None else to_us(instant)


def _token_is_right(row: Any, state: TokenState) -> bool:
    return row["token_id"] == state.token_id and _document_is_right(row, state)


def _price_is_right(row: Any, state: PriceState) -> bool:
    columns = ("price_id", "model", "provider", "tag_count", "created_position")
    right = (state.price_id, *state.place, state.created_position)
    return tuple(row[name] for name in columns) == right and _document_is_right(row, state)


def _document_is_right(row: Any, state: StreamState) -> bool:
    """Compare by value, not by bytes: an older version may have omitted a default. No unknown members."""
    document = row["document"]
    right = stream_state.dump(state)
    if document == right:
        return True
    try:
        same = stream_state.load(row["stream"], document) == state
        return same and _is_within(msgspec.json.decode(document), msgspec.json.decode(right))
    except msgspec.MsgspecError:
        return False


def _is_within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _is_within(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_is_within, part, whole))
    return bool(part == whole)


def _credentials(stream: str, truth: Truth, rows: Sequence[Any]) -> Iterator[Finding]:
    there = {row["credential_id"]: row for row in rows}
    for credential_id in sorted(truth.commitments.keys() - there.keys()):
        detail = f"there is no row of the credential {credential_id}: its hash is gone, and it can't log in"
        position = truth.commitments[credential_id][1]
        yield Finding("missing", "credential", detail, "revoke the key, and create another", position, stream)
    for credential_id, row in there.items():
        if credential_id not in truth.commitments:
            yield _finding("extra", "credential", stream, truth, _no_such(credential_id), _STOLEN)
        else:
            yield from _secret("credential", stream, truth, credential_id, row["secret_hash"])


def _secret(where: str, stream: str, truth: Truth, id_: str, secret_hash: str | None) -> Iterator[Finding]:
    committed = truth.commitments.get(id_)
    # None: restored from an archive without hashes. It can't log in, which is not a fault of the data.
    if committed is not None and secret_hash is not None and chain.commitment(secret_hash) != committed[0]:
        detail = f"the hash of the secret of {id_} is not the one that its event commits to"
        yield Finding("changed", where, detail, _STOLEN, committed[1], stream)


def _no_such(credential_id: str) -> str:
    return f"the log knows no credential {credential_id!r} of this key"


def _finding(kind: str, where: str, stream: str, truth: Truth, detail: str, fix: str) -> Finding:
    return Finding(kind, where, f"{stream}: {detail}", fix, truth.position or None, stream)
