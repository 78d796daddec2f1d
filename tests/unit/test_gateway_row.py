"""A key as rows of the gateway's table: each end of key and credential, written out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from gateways.tensorzero.rows import GatewayRow, columns, rows_of
from registry.keys.details import KeyDetails
from registry.keys.state import CredentialState, KeyState
from tests.support.records import NOON

KEY, OTHER = "k3yPubl1cId0", "0therCreden0"
HASHES = {KEY: "a" * 64, OTHER: "b" * 64}
HOUR = timedelta(hours=1)


def key(**changed: object) -> KeyState:
    """A key with one credential, made at noon."""
    details = KeyDetails("Kasse 3 ☕", "acme", "shop")
    plain = KeyState(KEY, NOON, 1, 1, 1, None, None, {}, (CredentialState(KEY, NOON),), None, details)
    return replace(plain, **changed)


def row(**changed: object) -> GatewayRow:
    """The row of that key's credential."""
    (made,) = rows_of(key(**changed), HASHES)
    return made


def test_a_working_key_is_a_row_without_ends() -> None:
    assert row() == GatewayRow(KEY, "acme", "shop", "Kasse 3 ☕", "a" * 64, NOON, None, None)


def test_each_credential_is_a_row_of_its_own_id_hash_and_beginning() -> None:
    rows = rows_of(key(credentials=(CredentialState(KEY, NOON), CredentialState(OTHER, NOON + HOUR))), HASHES)
    assert [(one.public_id, one.hash, one.created_at) for one in rows] == [
        (KEY, "a" * 64, NOON),
        (OTHER, "b" * 64, NOON + HOUR),
    ]


@pytest.mark.parametrize(
    ("of_key", "of_credential", "expires"),
    [(None, None, None), (2, None, 2), (None, 3, 3), (2, 3, 2), (3, 2, 2)],
)
def test_the_earlier_expiration_counts(of_key: int | None, of_credential: int | None, expires: int | None) -> None:
    credential = CredentialState(KEY, NOON, None if of_credential is None else NOON + of_credential * HOUR)
    made = row(expiration=None if of_key is None else NOON + of_key * HOUR, credentials=(credential,))
    assert made.expires_at == (None if expires is None else NOON + expires * HOUR)
    assert made.disabled_at is None


@pytest.mark.parametrize(
    ("revoked", "of_credential", "suspended", "disabled"),
    [(1, None, None, 1), (None, 1, None, 1), (None, None, 1, 1), (3, 2, 1, 1), (3, 1, 2, 1), (1, 2, 3, 1)],
)
def test_the_earliest_of_revocation_and_suspension_disables(
    revoked: int | None, of_credential: int | None, suspended: int | None, disabled: int
) -> None:
    at = [None if hours is None else NOON + hours * HOUR for hours in (revoked, of_credential, suspended)]
    made = row(revoked_at=at[0], credentials=(CredentialState(KEY, NOON, None, at[1]),), suspended_at=at[2])
    assert made.disabled_at == NOON + disabled * HOUR
    assert made.expires_at is None


def test_a_resumed_key_is_not_disabled() -> None:
    assert row(suspended_at=None).disabled_at is None


def test_an_imported_end_in_the_future_disables_as_it_did_in_the_gateway() -> None:
    assert row(revoked_at=NOON + 99 * HOUR).disabled_at == NOON + 99 * HOUR


@pytest.mark.parametrize("instant", [datetime.min.replace(tzinfo=UTC), datetime(1969, 12, 31, 23, tzinfo=UTC)])
def test_an_instant_before_all_time_still_ends_the_key_and_is_no_infinity(instant: datetime) -> None:
    """The driver writes the first instant of all as -infinity: one such row breaks the gateway's whole list."""
    made = row(expiration=instant, revoked_at=instant)
    assert made.expires_at == made.disabled_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_last_instant_of_all_is_no_infinity() -> None:
    assert row(expiration=datetime.max.replace(tzinfo=UTC)).expires_at == datetime(
        9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC
    )


def test_a_credential_without_a_hash_stays_without_one() -> None:
    assert [one.hash for one in rows_of(key(), {KEY: None})] == [None]
    assert [one.hash for one in rows_of(key(), {})] == [None]


def test_no_row_shows_its_hash() -> None:
    assert "a" * 64 not in f"{row()!r} {row()}"


def test_rows_become_one_array_a_column() -> None:
    made = row(expiration=NOON + HOUR)
    assert columns([made, made])[0] == [KEY, KEY]
    assert columns([made]) == [
        [KEY], ["acme"], ["shop"], ["Kasse 3 ☕"], ["a" * 64], [NOON], [None], [NOON + HOUR],
    ]  # fmt: skip
    assert columns([]) == [[], [], [], [], [], [], [], []]
