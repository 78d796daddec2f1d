"""What an operator may ask as one statement, decided by the engine's own parser: the suite of every engine."""

from __future__ import annotations

import pytest

from projections.engine.client import ClickHouse
from projections.engine.statement import names_format
from projections.errors import ClickHouseRefused, SeveralStatements

ONE = [
    "SELECT 1;",
    "SELECT 1 ; ; -- done; really",
    'SELECT \';\' AS `a;b`, ";c" FROM (SELECT 1 AS ";c") -- ; d',
    "SELECT 1 /* ; */ # ; e",
    "SELECT $tag$a;b$tag$",
    "SELECT 'it''s; \\'one\\';'",
    "INSERT INTO t VALUES ('a;b'), ('it''s; \\';') -- ;c",
    "INSERT INTO t VALUES (1);",
    "INSERT INTO t FORMAT TSV\na;b\nc\n",
    "CREATE TABLE t (x String DEFAULT ';') ENGINE = Memory",
    "SHOW TABLES",
]
SEVERAL = [
    "SELECT 1; SELECT 2",
    "SELECT 1;DROP TABLE t",
    "SELECT ';' ; SELECT 2",
    "SELECT 1; -- one\nSELECT 2",
    "INSERT INTO t SELECT 1; DROP TABLE t",
]
SEVERAL_AFTER_VALUES = [
    "INSERT INTO t VALUES (1); DROP TABLE t",
    "INSERT INTO t (x) VALUES ('a;b') ; INSERT INTO t VALUES (2)",
    "insert into t values (1);\n/* ; */ select 2",
]
FORMATS = [
    "SELECT 1 FORMAT CSV",
    "SELECT 1 FORMAT CSV;",
    "select 1 format JSONEachRow settings max_threads = 1",
    "SHOW DATABASES FORMAT TSV",
    "WITH 1 AS x SELECT x UNION ALL SELECT 2 SETTINGS max_threads = 1 FORMAT Vertical",
]
NO_FORMATS = [
    "SELECT 'a\nFORMAT CSV'",
    "SELECT 1 AS `\nFORMAT CSV`",
    "SELECT 1 -- FORMAT CSV",
    "SELECT 1 /*\nFORMAT CSV*/",
]


@pytest.mark.parametrize("statement", ONE)
async def test_a_semicolon_that_ends_nothing_or_the_statement_is_no_second_one(
    clickhouse: ClickHouse, statement: str
) -> None:
    assert not await names_format(clickhouse, statement)


@pytest.mark.parametrize("statement", SEVERAL)
async def test_several_statements_are_refused_by_the_parser_with_the_reason(
    clickhouse: ClickHouse, statement: str
) -> None:
    """The embedded engine would run them all, and give the rows of both as one result."""
    with pytest.raises(ClickHouseRefused) as refused:
        await names_format(clickhouse, statement)
    assert "Multi-statements are not allowed" in str(refused.value.__cause__)


@pytest.mark.parametrize("statement", SEVERAL_AFTER_VALUES)
async def test_a_statement_after_the_rows_of_an_insert_is_a_second_one(clickhouse: ClickHouse, statement: str) -> None:
    """What follows VALUES is data, and the parser does not look at it."""
    with pytest.raises(SeveralStatements, match="Multi-statements are not allowed"):
        await names_format(clickhouse, statement)


@pytest.mark.parametrize("statement", FORMATS)
async def test_a_format_is_found_wherever_it_may_stand(clickhouse: ClickHouse, statement: str) -> None:
    assert await names_format(clickhouse, statement)
    assert await clickhouse.raw(statement)


@pytest.mark.parametrize("statement", NO_FORMATS)
async def test_words_in_a_text_a_name_or_a_comment_are_no_format(clickhouse: ClickHouse, statement: str) -> None:
    assert not await names_format(clickhouse, statement)


async def test_a_result_in_a_format_is_given_byte_for_byte(clickhouse: ClickHouse) -> None:
    rows = "SELECT 'a,\"b' AS x, toDecimal64('1.10', 2) AS y, CAST(NULL AS Nullable(String)) AS z"
    assert await clickhouse.raw(f"{rows} FORMAT CSVWithNames") == b'"x","y","z"\n"a,""b",1.1,\\N\n'
    assert (await clickhouse.raw(f"{rows} FORMAT Parquet")).startswith(b"PAR1")
