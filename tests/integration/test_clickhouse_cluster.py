"""What can be proved of a cluster with one engine: it reads every statement, and says what stands in the way.

The embedded engine has neither distributed DDL nor replication, so no statement here runs on a cluster.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.engine.templates import sql
from projections.errors import ClickHouseRefused, ClickHouseUnavailable
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.store import Store

CLUSTERED = [
    *ddl.statements(Names("ledger", "gateway", "prod"), gateway_tables=True),
    *ddl.statements(Names("beside", "gateway", "prod"), shadow=True)[:4],
    sql("queries/replay/exchange", Names("ledger", "gateway", "prod"), table="key_life_v1", target="beside"),
    sql("queries/replay/drop", Names("beside", "gateway", "prod")),
    "SYSTEM RELOAD DICTIONARY ON CLUSTER prod ledger.key_tags",
]


@pytest.mark.parametrize("statement", CLUSTERED, ids=range(len(CLUSTERED)))
async def test_the_engine_reads_the_cluster_in_every_statement(clickhouse: ClickHouse, statement: str) -> None:
    """In the wrong place it would be a syntax error, or a part of something else."""
    [(understood,)] = await clickhouse.query(
        "SELECT formatQuerySingleLine({statement:String})", {"statement": statement}
    )
    assert "ON CLUSTER prod" in understood
    assert understood.count("ENGINE =") == understood.count("ENGINE = Replicated")


@pytest.mark.parametrize("code", [159, 164, 225, 242, 244, 285, 286, 289, 319, 341, 667, 733, 745, 999])
async def test_what_passes_on_a_cluster_is_tried_again(clickhouse: ClickHouse, code: int) -> None:
    """Lost coordinator, replicas away or starting, quorum not reached yet: none of it may stop the projector."""
    with pytest.raises(ClickHouseUnavailable) as caught:
        await clickhouse.query(
            f"SELECT throwIf(true, 'as the server would', toInt16({code}))",
            settings={"allow_custom_error_code_in_throwif": 1},
        )
    assert caught.value.code == code


async def test_a_table_that_is_not_replicated_takes_no_rows_of_a_cluster(clickhouse_url: str, names: Names) -> None:
    """The variable was set after the tables were made: they would stay on one node, in silence."""
    clickhouse = ClickHouse(clickhouse_url, cluster="prod")
    try:
        with pytest.raises(ClickHouseRefused, match="event_applied_v1 is not replicated"):
            await Store(clickhouse, names).insert_applied([(1, "log", "h0", "h1", datetime.now(UTC))])
        with pytest.raises(ClickHouseRefused, match="redelivered_v1 is not replicated"):
            await DeadLetters(clickhouse, names).add_redelivered([("topic/0/0", 1)])
        assert (await Store(clickhouse, names).applied()).position == 0
    finally:
        await clickhouse.close()
