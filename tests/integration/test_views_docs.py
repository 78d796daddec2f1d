"""The reference of the views is what the engine says of them, and the grants of a reader suffice for all of them."""

from __future__ import annotations

import re

from projections.engine import ddl
from projections.engine.ddl import Names
from tests.support.bill_world import World
from tests.support.documents import ROOT, blocks

HERE = "tests/integration/test_views_docs.py"
PAGE = "docs/grafana-metabase-pandas.md"
PERIOD = "since = '2026-03-01 00:00:00.000', until = '2026-04-01 00:00:00.000', known_at = 0"
PARAMETERS = {
    "bill": f"(tag = 'customer_id', {PERIOD})",
    "coverage": f"({PERIOD})",
    "key_tag_interval_known": "(known_at = 0)",
}
# What other views are made of: a gateway's own, and those between them and the bill.
INTERNAL = {"batch_inference", "inference", "inference_row", "model_row", "model_usage", "model_usage_between"}
_ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \| (.+) \|$", re.MULTILINE)


def documented() -> dict[str, list[tuple[str, str, str]]]:
    """Of each view in the reference its columns: name, type, example."""
    _, *sections = re.split(r"^## ", (ROOT / "docs/views.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        section.split("\n", 1)[0]: [(name, kind, example) for name, kind, example, _ in _ROW.findall(section)]
        for section in sections
    }


async def views(world: World, database: str) -> set[str]:
    """The views and dictionaries of a ledger."""
    found = await world.clickhouse.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND engine IN ('View', 'Dictionary')",
        {"database": database},
    )
    return {name for (name,) in found}


async def test_the_reference_has_every_column_of_every_view_and_no_other(world: World) -> None:
    reference = documented()
    assert set(reference) == await views(world, world.names.database) - INTERNAL
    for view, columns in reference.items():
        described = await world.select(f"DESCRIBE (SELECT * FROM {{database}}.{view}{PARAMETERS.get(view, '')})")
        assert [(name, kind) for name, kind, _ in columns] == [(row[0], row[1]) for row in described], view


async def test_every_example_is_a_value_of_its_type(world: World) -> None:
    for view, columns in documented().items():
        # An array, a map and NULL are written as in SQL, all else as the engine prints it.
        texts = {f"x{n}": text for n, (_, _, text) in enumerate(columns) if not text.startswith(("[", "map(", "NULL"))}
        given = [f"{{x{n}:String}}" if f"x{n}" in texts else text for n, (_, _, text) in enumerate(columns)]
        casts = [f"CAST({text}, $${kind}$$)" for text, (_, kind, _) in zip(given, columns, strict=True)]
        ((*found,),) = await world.clickhouse.query(f"SELECT {', '.join(casts)}", texts)
        assert [value is None for value in found] == [text == "NULL" for _, _, text in columns], view


async def test_the_grants_of_a_reader_suffice_for_every_view_and_give_no_prompt(world: World) -> None:
    grants, *_ = blocks(PAGE, HERE, "sql")
    statements = [one.strip() for one in grants.split(";") if one.strip()]
    for statement in statements:
        await world.clickhouse.query("SELECT formatQuery({statement:String})", {"statement": statement})
    granted = {
        table: columns.split(", ") for columns, table in re.findall(r"SELECT\(([^)]*)\)\s+ON tensorzero\.(\w+)", grants)
    }
    names = Names(f"{world.names.database}_granted", f"{world.names.gateway}_granted")
    await world.clickhouse.command(f"CREATE DATABASE {names.gateway}")
    for table, columns in granted.items():
        assert not {"input", "output", "raw_request", "raw_response", "system", "input_messages"} & set(columns)
        await world.clickhouse.command(
            f"CREATE TABLE {names.gateway}.{table} ENGINE = MergeTree ORDER BY tuple() EMPTY "
            f"AS SELECT {', '.join(columns)} FROM {world.names.gateway}.{table}"
        )
    await ddl.apply(world.clickhouse, names, gateway_tables=False, durable=False)
    for view in await views(world, names.database) - {"model_usage_between"}:
        await world.clickhouse.query(f"SELECT * FROM {names.database}.{view}{PARAMETERS.get(view, '')} LIMIT 1")
    for database in (names.database, names.gateway):
        await world.clickhouse.command(f"DROP DATABASE {database}")


async def test_the_pages_question_runs_on_the_views(world: World) -> None:
    _, question = blocks(PAGE, HERE, "sql")
    assert await world.select(question.replace("keyledger.", "{database}.")) == []
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    (panel,) = re.findall(r"```sql\n(SELECT\n    \$__.*?)```", page, re.DOTALL)
    for macro, meant in (
        ("$__timeInterval(at)", "toStartOfDay(at)"),
        ("$__timeFilter(at)", "at >= '2026-03-01'"),
        ("keyledger.", "{database}."),
    ):
        assert macro in panel
        panel = panel.replace(macro, meant)
    assert await world.select(panel) == []
