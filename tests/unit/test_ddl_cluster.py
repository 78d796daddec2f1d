"""On a cluster: every object on all of it, every table replicated, and rows with every replica before they count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import clickhouse_connect
import pytest

from keyledger.embedded import stack
from keyledger.embedded.folder import DataFolder
from keyledger.runtime.connections import clickhouse_client, clickhouse_names
from keyledger.settings import Settings
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import BadIdentifier, ClickHouseRefused, ClickHouseUnavailable
from projections.ledger.store import Store

HEAD = re.compile(
    r"(--.*\n)*CREATE (DATABASE IF NOT EXISTS|TABLE IF NOT EXISTS|OR REPLACE (VIEW|DICTIONARY|FUNCTION)) [\w.]+ "
    r"ON CLUSTER prod(\n\(| AS|$)"
)
ENGINE = re.compile(r"^ENGINE = (\w+)(\([^()]*\))?$", re.MULTILINE)
NOT_REPLICATED = "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
REPLICATED = "SETTINGS replicated_deduplication_window = 0"


def pairs(*, durable: bool = False) -> Iterator[tuple[str, str]]:
    """Each statement, without a cluster and with one."""
    alone = ddl.statements(Names(), gateway_tables=True, durable=durable)
    clustered = ddl.statements(Names(cluster="prod"), gateway_tables=True, durable=durable)
    yield from zip(alone, clustered, strict=True)


def test_every_object_is_made_on_the_cluster() -> None:
    """One that is on a single node answers on that node alone."""
    made = [statement for _, statement in pairs()]
    assert len(made) > 30
    for statement in made:
        assert HEAD.match(statement), statement
        assert statement.count("ON CLUSTER") == statement.count("CREATE ") == 1
        assert "{{" not in statement


def test_every_table_is_replicated_and_keeps_the_version_that_decides() -> None:
    """One that is not would have on each node the rows that happened to be sent there."""
    tables = 0
    for alone, clustered in pairs():
        for (engine, version), (replicated, its_version) in zip(
            ENGINE.findall(alone), ENGINE.findall(clustered), strict=True
        ):
            assert (replicated, its_version) == (f"Replicated{engine}", version)
            tables += 1
    assert tables == 28
    assert "ENGINE = ReplicatedReplacingMergeTree(revision)" in "\n".join(statement for _, statement in pairs())


@pytest.mark.parametrize("durable", [False, True])
def test_without_a_cluster_the_statements_say_nothing_of_one(*, durable: bool) -> None:
    """They are those with a cluster, less what the cluster needs."""
    for alone, clustered in pairs(durable=durable):
        assert "CLUSTER" not in alone
        assert "replicated" not in alone.lower()
        assert "{{" not in alone
        less = clustered.replace(" ON CLUSTER prod", "").replace("ENGINE = Replicated", "ENGINE = ")
        less = less.replace("INTERVAL 60 SECOND", "INTERVAL 5 SECOND")  # replicas have clocks of their own
        if durable:
            less = less.replace(f"{NOT_REPLICATED}, replicated_deduplication_window = 0", NOT_REPLICATED)
        assert less.replace(f"\n{REPLICATED}", "").strip() == alone


def test_a_block_that_comes_again_is_not_left_out_of_our_tables() -> None:
    """That it was there once says nothing of where it is now. The gateway's tables are as the gateway makes them."""
    for _, statement in pairs():
        if "CREATE TABLE" in statement:
            assert statement.endswith(REPLICATED) == ("keyledger." in statement)


@pytest.mark.parametrize("name", ["", "a b", "prod-eu", "prod'", "1a", "x" * 65])
def test_a_cluster_s_name_that_needs_quoting_is_refused(name: str) -> None:
    with pytest.raises(BadIdentifier):
        Names(cluster=name)


@pytest.mark.parametrize(
    ("cluster", "statement"),
    [
        (None, "SYSTEM RELOAD DICTIONARY ledger.key_tags"),
        ("prod", "SYSTEM RELOAD DICTIONARY ON CLUSTER prod ledger.key_tags"),
    ],
)
async def test_the_dictionary_is_reloaded_on_every_replica_that_is_there(
    monkeypatch: pytest.MonkeyPatch, cluster: str | None, statement: str
) -> None:
    """One that is away must not hold the others up for long, nor make the projector try again."""
    driver = Driver(monkeypatch)
    await Store(ClickHouse("http://host"), Names("ledger", cluster=cluster)).reload_dictionary()
    assert driver.commands == [statement]
    assert (driver.settings["distributed_ddl_output_mode"] == "null_status_on_timeout") == (cluster is not None)


class Driver:
    """Stands in for the driver's client, and keeps what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, replicas: list[tuple[int, int]] | None = None) -> None:
        self.result_rows = replicas or []
        self.opened: dict[str, Any] = {}
        self.asked: list[Any] = []
        self.commands: list[str] = []
        self.settings: dict[str, Any] = {"distributed_ddl_output_mode": None}
        self.quorums: list[Any] = []
        monkeypatch.setattr(clickhouse_connect, "get_client", self.open)

    def open(self, **options: Any) -> Driver:
        self.opened = options
        return self

    def query(self, _sql: str, parameters: Any = None, **_: Any) -> Driver:
        self.asked.append(parameters)
        return self

    def command(self, sql: str, settings: Any = None, **_: Any) -> None:
        self.commands.append(sql)
        self.settings |= settings or {}

    def create_insert_context(self, *_: Any) -> SimpleNamespace:
        return SimpleNamespace(column_types=[])

    def insert(self, _table: str, _rows: Any, *, settings: Any, **_: Any) -> None:
        self.quorums.append(settings)


def settings(cluster: str | None) -> Settings:
    """Settings of a server, on a cluster or not."""
    return Settings(clickhouse_url="http://host:8123", clickhouse_cluster=cluster)


async def insert(cluster: str | None) -> None:
    """Insert one row as every command does."""
    await clickhouse_client(settings(cluster), "http://host:8123").insert("ledger.key_life_v1", [(1,)], ["position"])


@pytest.mark.parametrize(
    ("registered", "named"),
    [
        (3, 3),
        (3, 2),  # one is no more in the cluster's definition, but may come back, and answer
        (1, 3),  # two of the cluster were never made, or made as replicas of another table
        (3, 0),  # the cluster is called otherwise at this server
    ],
)
async def test_rows_on_a_cluster_are_inserted_when_every_replica_has_them(
    monkeypatch: pytest.MonkeyPatch, registered: int, named: int
) -> None:
    """Else a reader elsewhere could see that an event is applied, and not its rows: a wrong bill."""
    driver = Driver(monkeypatch, replicas=[(registered, named)])
    await insert("prod")
    assert driver.quorums == [{"insert_quorum": 3}]
    assert driver.asked == [{"database": "ledger", "table": "key_life_v1", "cluster": "prod"}]
    assert driver.opened["settings"]["insert_quorum_parallel"] == 1
    assert driver.opened["settings"]["async_insert"] == 0
    assert clickhouse_names(settings("prod")).cluster == "prod"


async def test_without_a_cluster_nobody_is_asked_for_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(monkeypatch)
    await insert(None)
    assert (driver.quorums, driver.asked) == ([None], [])
    assert "settings" not in driver.opened
    assert clickhouse_names(settings(None)).cluster is None


async def test_rows_wait_while_the_coordinator_does_not_say_how_many_replicas_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server says 0 then, and a quorum of 0 is none."""
    driver = Driver(monkeypatch, replicas=[(0, 3)])
    with pytest.raises(ClickHouseUnavailable):
        await insert("prod")
    assert driver.quorums == []


async def test_a_table_that_was_made_before_the_cluster_was_set_takes_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It exists, so that it would stay on one node, in silence."""
    driver = Driver(monkeypatch, replicas=[])
    with pytest.raises(ClickHouseRefused, match=r"ledger\.key_life_v1 is not replicated.*KEYLEDGER_CLICKHOUSE_CLUSTER"):
        await insert("prod")
    assert driver.quorums == []


async def test_the_embedded_default_is_on_no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`up` in an environment that is set up for a cluster: its engine is alone, and would refuse every statement."""
    opened = Mock(side_effect=InterruptedError)
    monkeypatch.setattr(stack, "EmbeddedPostgres", Mock())
    monkeypatch.setattr(stack, "migrate", Mock(side_effect=_nothing))
    monkeypatch.setattr(stack, "embedded_gateway", Mock(side_effect=_nothing))
    monkeypatch.setattr(stack, "open_services", opened)
    with pytest.raises(InterruptedError):
        async with stack.open_stack(DataFolder(tmp_path), settings("prod")):
            pass
    assert opened.call_args.args[0].clickhouse_cluster is None


async def _nothing(*_: Any, **__: Any) -> None:
    pass
