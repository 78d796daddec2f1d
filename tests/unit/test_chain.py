"""The chain's rule is fixed for ever: golden vectors, computed here a second time from the rule's words alone."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.instant import to_ms, to_us
from registry.log import chain
from registry.log.event_log import RecordedEvent
from tests.support.records import NOON, record

VECTORS = Path(__file__).parents[1] / "golden" / "chain.json"
LOG_ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
EVENTS = (
    record(),
    record(position=2, stream="token-t0kenPubl1c0", actor="token-x", on_behalf_of="Ada Ö", payload=b'{"a":"\xc3\xa9"}'),
    record(position=3, version=2, request_id="r", reason="", salt=b"\xff" * 16, effective_at=NOON - timedelta(days=9)),
)  # fmt: skip


def by_the_words(previous: bytes, event: RecordedEvent, digest: bytes) -> bytes:
    """The hash as the module's docstring words it, without its code."""
    data = b"keyledger.event.v1\0" + previous
    times = (to_us(event.recorded_at), to_ms(event.effective_at))
    for number in (event.position, event.version, event.schema_version, *times):
        data += number.to_bytes(8, "big", signed=True)
    for text in (event.stream, event.type, event.actor, event.on_behalf_of, event.request_id, event.reason):
        encoded = b"" if text is None else text.encode()
        data += (0xFFFFFFFF if text is None else len(encoded)).to_bytes(4, "big") + encoded
    return sha256(data + digest).digest()


def vectors() -> dict[str, Any]:
    """What the code makes of the events."""
    previous = chain.genesis_hash(LOG_ID)
    made: dict[str, Any] = {"genesis": previous.hex(), "events": [], "commitment": chain.commitment("ab" * 32)}
    for event in EVENTS:
        digest = chain.payload_digest(event.salt, event.payload)
        previous = chain.sealed(previous, msgspec.structs.replace(event, payload_digest=digest)).hash
        made["events"].append({"payload_digest": digest.hex(), "hash": previous.hex()})
    return made


def test_hashes_are_the_golden_ones() -> None:
    assert vectors() == json.loads(VECTORS.read_text())


def test_hashes_are_those_of_the_rules_words() -> None:
    golden = json.loads(VECTORS.read_text())
    previous = sha256(b"keyledger.genesis.v1\0" + LOG_ID.bytes).digest()
    assert golden["genesis"] == previous.hex()
    assert golden["commitment"] == sha256(b"keyledger.commitment.v1\0" + b"ab" * 32).hexdigest()
    for event, made in zip(EVENTS, golden["events"], strict=True):
        digest = sha256(b"keyledger.payload.v1\0" + event.salt + event.payload).digest()
        previous = by_the_words(previous, event, digest)
        assert made == {"payload_digest": digest.hex(), "hash": previous.hex()}


@pytest.mark.parametrize(
    "change",
    [
        {"position": 2},
        {"version": 2},
        {"schema_version": 2},
        {"recorded_at": NOON + timedelta(microseconds=1)},
        {"effective_at": NOON + timedelta(milliseconds=1)},
        {"stream": "key-k3yPubl1cId1"},
        {"type": "Noted2"},
        {"actor": "operato"},
        {"on_behalf_of": ""},
        {"request_id": ""},
        {"reason": ""},
        {"stream": "key-k3yPubl1cId0N", "type": "oted"},
        {"type": "Notedo", "actor": "perator"},
        {"version": 256},
        {"payload_digest": b"\0" * 32},
    ],
)
def test_every_field_counts_and_none_can_lend_its_bytes_to_the_next(change: dict[str, Any]) -> None:
    previous = b"\1" * 32
    assert chain.event_hash(previous, record(**change)) != chain.event_hash(previous, record())


def test_text_that_moves_between_optional_fields_changes_the_hash() -> None:
    previous = b"\1" * 32
    hashes = {
        chain.event_hash(previous, record(**fields))
        for fields in ({"on_behalf_of": "x"}, {"request_id": "x"}, {"reason": "x"}, {"on_behalf_of": "", "reason": "x"})
    }
    assert len(hashes) == 4


texts = st.none() | st.text(max_size=3)


@given(st.tuples(texts, texts, texts), st.tuples(texts, texts, texts))
def test_different_texts_never_have_one_hash(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    names = ("on_behalf_of", "request_id", "reason")
    hashes = [chain.event_hash(b"", record(**dict(zip(names, given, strict=True)))) for given in (one, other)]
    assert (hashes[0] == hashes[1]) == (one == other)
