"""What is decided when a gateway's key comes under this log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from registry.errors import FieldsRefused
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential, KeyImported
from registry.keys.imports import ImportKey, import_key
from registry.log import codec
from registry.log.event_log import StreamView

NOW = datetime(2026, 6, 1, 0, 0, 0, 5_678, tzinfo=UTC)
MS = timedelta(milliseconds=1)
CREATED = datetime(2026, 1, 5, 12, tzinfo=UTC)
COMMAND = ImportKey(
    IssuedCredential("AAAAAAAAAAA1", "c" * 64),
    {"customer_id": "acme"},
    KeyDetails("mine", "org", "work"),
    CREATED,
    None,
    None,
    "tz",
)


def decided(command: ImportKey, now: datetime = NOW) -> dict[str, object]:
    """The payload of the one event, with when it counts from."""
    (new,) = import_key(command, StreamView(now, 0, None))
    event = codec.encode(new.event)
    assert (event.type, event.schema_version) == ("KeyImported", codec.CURRENT[KeyImported])
    payload: dict[str, object] = msgspec.json.decode(event.payload)
    return {**payload, "effective_at": new.effective_at}


def test_it_counts_from_the_keys_own_creation() -> None:
    assert decided(COMMAND) == {
        "public_id": "AAAAAAAAAAA1",
        "tags": {"customer_id": "acme"},
        "description": "mine",
        "organization": "org",
        "workspace": "work",
        "expiration": None,
        "revoked_at": None,
        "credential": {"credential_id": "AAAAAAAAAAA1", "commitment": "c" * 64},
        "source": "tz",
        "effective_at": CREATED,
    }


def test_an_expiration_in_the_past_is_taken_as_it_is() -> None:
    assert decided(replace(COMMAND, expiration=CREATED - MS))["expiration"] == "2026-01-05T11:59:59.999Z"


@pytest.mark.parametrize(
    ("disabled", "revoked"),
    [
        (CREATED + MS, "2026-01-05T12:00:00.001Z"),
        (CREATED, "2026-01-05T12:00:00.000Z"),
        (CREATED - MS, "2026-01-05T12:00:00.000Z"),
        (NOW + timedelta(days=1), "2026-06-01T00:00:00.005Z"),
    ],
)
def test_a_disabled_key_ended_within_its_life_so_far(disabled: datetime, revoked: str) -> None:
    assert decided(replace(COMMAND, disabled_at=disabled))["revoked_at"] == revoked


def test_a_key_of_this_very_millisecond_is_taken() -> None:
    assert decided(replace(COMMAND, created_at=NOW, disabled_at=NOW + MS))["effective_at"] == NOW


def test_a_key_that_is_in_the_log_already_stays_as_it_is() -> None:
    assert import_key(COMMAND, StreamView(NOW, 3, None)) == []


def test_a_creation_in_the_future_is_refused() -> None:
    with pytest.raises(FieldsRefused) as refused:
        import_key(replace(COMMAND, created_at=NOW + MS), StreamView(NOW, 0, None))
    assert [fault.field for fault in refused.value.faults] == ["created_at"]
