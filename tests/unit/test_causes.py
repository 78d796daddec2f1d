"""What the drivers and the system raise is told in words, also where no server of a test can be made to do it."""

from __future__ import annotations

import pytest
from sqlalchemy import exc
from sqlalchemy.engine import make_url

from projections.engine import causes as clickhouse
from registry.db.causes import away, place_of
from registry.errors import DatabaseAway

SECRET = "correct-horse-battery"
URL = make_url(f"postgresql+asyncpg://app:{SECRET}@db.example/ledger")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exc.TimeoutError(), "all connections of this process are in use; try again"),
        (TimeoutError(), "no answer in time; look whether the server is overloaded, or a firewall is between"),
        (OSError(f"Multiple exceptions: {SECRET}"), "it can't be reached; start the server there"),
        (RuntimeError(SECRET), "RuntimeError; try again"),
    ],
)
def test_an_error_is_told_with_its_place_and_without_its_text(error: Exception, words: str) -> None:
    told = away(error, URL)
    assert isinstance(told, DatabaseAway)
    assert str(told).startswith(f"PostgreSQL at db.example:5432, database ledger, user app: {words}")
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://db.example:6000/ledger", "db.example:6000, database ledger"),
        (
            f"postgresql://app:{SECRET}@/ledger?host=%2Frun%2Fpg&port=6000",
            "the socket in /run/pg, port 6000, database ledger, user app",
        ),
    ],
)
def test_a_place_is_named_by_what_of_the_url_is_no_secret(url: str, place: str) -> None:
    assert place_of(make_url(url)) == f"PostgreSQL at {place}"


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        (f"http://app:{SECRET}@ch.example:9000", "ClickHouse at http://ch.example:9000, user app"),
        (f"https://app:{SECRET}@ch.example", "ClickHouse at https://ch.example:8443, user app"),
        ("http://ch.example", "ClickHouse at http://ch.example:8123"),
        ("chdb:///srv/ledger", "The embedded engine in /srv/ledger"),
    ],
)
def test_clickhouse_is_named_by_what_of_the_url_is_no_secret(dsn: str, place: str) -> None:
    assert clickhouse.place_of(dsn) == place


def test_a_wrong_login_at_clickhouse_names_the_setting() -> None:
    told = clickhouse.cause_of(Exception(), f"http://app:{SECRET}@ch.example:9000", 516)
    assert told is not None
    assert "KEYLEDGER_CLICKHOUSE_URL" in told
    assert SECRET not in told
