"""The one way from results to JSON: exact money, the two kinds of instants, names as the contract has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from audit.archive.secret_hashes import SecretHash
from keyledger.http.answer.encode import encode
from projections.billing.figures import FIGURES, Bucket, Line

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """A result with a name that Python has taken."""

    from_: datetime | None
    to: tuple[Decimal, ...]


class Held(msgspec.Struct):
    """A result that is a struct."""

    id: UUID
    recorded_at: datetime


def test_an_unset_field_is_left_out() -> None:
    assert encode(SecretHash("credential", "k3yPubl1cId0", "00", public_id="k3yPubl1cId0")) == {
        "kind": "credential",
        "id": "k3yPubl1cId0",
        "secret_hash": "00",
        "public_id": "k3yPubl1cId0",
    }


def test_instants_of_effect_have_milliseconds_and_those_of_a_clock_microseconds() -> None:
    assert encode({"created_at": AT, "recorded_at": AT, "at": [AT]}) == {
        "created_at": "2026-03-01T12:00:00.123Z",
        "recorded_at": "2026-03-01T12:00:00.123456Z",
        "at": ["2026-03-01T12:00:00.123Z"],
    }


def test_money_is_digits_and_a_taken_name_loses_its_underscore() -> None:
    assert encode(Change(None, (Decimal("1E-9"), Decimal("2.50")))) == {"from": None, "to": ["0.000000001", "2.5"]}


def test_a_struct_is_encoded_as_a_dataclass_is() -> None:
    assert encode(Held(UUID(int=1), AT)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "recorded_at": "2026-03-01T12:00:00.123456Z",
    }


def test_what_a_line_is_of_comes_before_its_figures() -> None:
    figures = dict.fromkeys(FIGURES, 0) | {"cost_usd": Decimal(0), "charges": ()}
    assert list(encode(Line(by={"customer_id": None}, **figures))) == ["by", *FIGURES]  # type: ignore[arg-type]
    assert list(encode(Bucket(bucket="keyed", **figures))) == ["bucket", *FIGURES]  # type: ignore[arg-type]


def test_what_has_no_form_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        encode({"payload": b"{}"})


def test_values_that_json_has_stay_as_they_are() -> None:
    value = {"a": [1, True, None, 0.5, "é"]}
    assert json.dumps(encode(value)) == json.dumps(value)
