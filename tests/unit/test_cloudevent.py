"""The record of each event, for ever: golden bytes, read back whole, and an event to the SDK of CloudEvents."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event

from registry.log.codec import CURRENT
from registry.publish.cloudevent import (
    CONTENT_TYPE,
    HEADERS,
    NotOurs,
    Record,
    read_record,
    write_record,
)
from tests.support.golden_log import FOLDER, LOG_ID, golden_log

LOG = golden_log()
DATA = (
    "position", "stream", "version", "effective_at", "actor", "on_behalf_of", "reason", "payload", "salt",
    "previous_hash", "hash",
)  # fmt: skip


def test_there_is_a_golden_record_of_every_type() -> None:
    assert {linked.event.type for linked in LOG.values()} == {kind.__name__ for kind in CURRENT}
    assert {file.stem for file in (FOLDER / "cloudevents").glob("*.json")} == set(LOG)


@pytest.mark.parametrize("name", LOG)
def test_an_event_gives_the_golden_bytes_and_they_give_the_event(name: str) -> None:
    key, value = write_record(LOG_ID, LOG[name])
    assert value == (FOLDER / "cloudevents" / f"{name}.json").read_bytes()
    assert read_record(key, value) == Record(str(LOG_ID), LOG[name])
    assert LOG[name].fits


@pytest.mark.parametrize("name", LOG)
def test_the_sdk_reads_a_cloudevent_with_what_the_contract_says(name: str) -> None:
    key, value = write_record(LOG_ID, LOG[name])
    event = LOG[name].event
    parsed = from_structured_event(KafkaMessage(dict(HEADERS), key, value))
    data = parsed.get_data()
    assert isinstance(data, dict)
    assert dict(HEADERS) == {"content-type": CONTENT_TYPE.encode()}
    assert key == event.stream.encode()
    assert parsed.get_id() == str(event.position)
    assert parsed.get_source() == f"/keyledger/{LOG_ID}"
    assert parsed.get_subject() == event.stream.partition("-")[2]
    assert parsed.get_type() == f"keyledger.{event.type}.v{event.schema_version}"
    assert parsed.get_time() == event.recorded_at
    assert parsed.get_extension("sequence") == f"{event.position:020d}"
    assert parsed.get_extension("requestid") == event.request_id
    assert tuple(data) == DATA
    assert data["payload"] == json.loads(event.payload)
    assert datetime.fromisoformat(data["effective_at"]) == event.effective_at.astimezone(UTC)
    assert (data["salt"], data["hash"]) == (event.salt.hex(), event.hash.hex())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "2"),
        ("sequence", "00000000000000000002"),
        ("sequence", "1"),
        ("subject", "another00000"),
        ("type", "keyledger.KeyCreated.v0"),
        ("type", "keyledger.KeyCreated"),
        ("type", "com.example.KeyCreated.v1"),
        ("time", "2026-03-01T12:00:01"),
        ("time", "yesterday"),
        ("source", "/keyledger/not-a-log"),
        ("source", "/elsewhere"),
        ("specversion", "0.3"),
        ("id", 1),
        ("requestid", 1),
    ],
)
def test_an_envelope_that_contradicts_itself_is_not_ours(name: str, value: object) -> None:
    key, good = write_record(LOG_ID, LOG["AdminTokenCreated.v1"])
    changed = json.loads(good) | {name: value}
    with pytest.raises(NotOurs):
        read_record(key, json.dumps(changed).encode())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position", 0),
        ("position", 2**63),
        ("position", 1.5),
        ("version", 0),
        ("stream", "key-another00000"),
        ("salt", "zz"),
        ("hash", "0"),
        ("previous_hash", None),
        ("effective_at", "2026-03-01"),
    ],
)
def test_data_that_can_not_be_an_event_is_not_ours(name: str, value: object) -> None:
    key, good = write_record(LOG_ID, LOG["AdminTokenCreated.v1"])
    changed = json.loads(good)
    changed["data"][name] = value
    with pytest.raises(NotOurs):
        read_record(key, json.dumps(changed).encode())


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"\xff", b"null", b"[" * 100_000, b'{"data":' * 50_000])
def test_garbage_is_not_ours(value: bytes | None) -> None:
    with pytest.raises(NotOurs):
        read_record(b"key-x", value)


def test_another_key_than_the_stream_is_not_ours() -> None:
    _, value = write_record(LOG_ID, LOG["AdminTokenCreated.v1"])
    for key in (None, b"", b"key-another00000"):
        with pytest.raises(NotOurs):
            read_record(key, value)


def test_a_changed_member_no_longer_fits_the_hash() -> None:
    linked = LOG["KeyCreated.v1"]
    for changes in ({"actor": "mallory"}, {"request_id": "x"}, {"schema_version": 2}, {"payload": b"{}"}):
        changed = msgspec.structs.replace(linked, event=msgspec.structs.replace(linked.event, **changes))
        assert not changed.fits
