"""One request on the engine: parameters, settings and database first, external tables, then the statement."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.clickhouse_http.engine import Answer, Connection, Engine
from tests.support.clickhouse_http.errors import ServerError
from tests.support.clickhouse_http.statements import (
    Insert,
    changes_the_connection,
    format_of,
    insert_of,
    only_one,
    quoted,
    substitutions,
)


@dataclass(frozen=True, slots=True)
class External:
    """A table that comes with a request."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for, whatever way it came."""

    text: bytes
    default_format: str = "TabSeparated"
    parameters: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    external: tuple[External, ...] = ()
    database: str | None = None
    session_id: str | None = None
    session_check: bool = False
    # 1: no writes and no settings. 2: no writes.
    readonly: int = 0


def execute(engine: Engine, request: Request) -> tuple[Answer, str | None]:
    """The answer, and its format where it has rows. Raises ServerError."""
    insert = insert_of(request.text)
    statement = insert.head if insert else _decoded(request.text)
    needed = substitutions(statement) - request.parameters.keys()
    with (
        engine.connection(needed, request.session_id, existing=request.session_check) as connection,
        tempfile.TemporaryDirectory(prefix="clickhouse-http-") as scratch,
    ):
        prologue = _prologue(connection, request)
        for number, table in enumerate(request.external):
            prologue += _external(table, Path(scratch) / str(number))
        if insert:
            return connection.run(_from_file(insert, Path(scratch) / "rows"), "TabSeparated", prologue), None
        connection.spoilt |= changes_the_connection(statement) and request.session_id is None
        format_ = format_of(statement, request.default_format)
        return connection.run(statement, request.default_format, prologue), format_


def _decoded(text: bytes) -> str:
    try:
        statement = text.decode()
    except UnicodeDecodeError as error:
        raise ServerError(62, "Syntax error: the statement is not UTF-8 (SYNTAX_ERROR)") from error
    if not statement.strip():
        raise ServerError(62, "Syntax error: Empty query (SYNTAX_ERROR)")
    return only_one(statement)


def _prologue(connection: Connection, request: Request) -> list[str]:
    """What is set before the statement; the connection remembers it, so that the next one begins without it."""
    statements = connection.reset()
    for name, value in request.parameters.items():
        statements.append(f"SET param_{name} = {quoted(value)}")
        connection.parameters.add(name)
    if request.database:
        statements.append(f"USE `{request.database}`")
        # A session begins in `default` too, and its USE is kept by the engine: only a request's own is undone.
        connection.database = True
    if request.external:
        connection.spoilt = True
    # Where settings may not be changed, that is said of each of them; where they may, readonly comes last.
    changes = [f"SET {name} = {quoted(value)}" for name, value in request.settings.items()]
    connection.settings.update(request.settings)
    locked = [f"SET readonly = {request.readonly}"] if request.readonly else []
    connection.spoilt |= request.readonly > 0
    return [*statements, *locked, *changes] if request.readonly == 1 else [*statements, *changes, *locked]


def _external(table: External, file: Path) -> list[str]:
    file.write_bytes(table.data)
    return [
        f"CREATE TEMPORARY TABLE `{table.name}` ({table.structure})",
        f"INSERT INTO `{table.name}` FROM INFILE {quoted(str(file))} FORMAT {table.format}",
    ]


def _from_file(insert: Insert, file: Path) -> str:
    """The INSERT with its rows in a file: the one way for bytes of any kind that every engine has."""
    file.write_bytes(insert.data)
    return f"{insert.head} FROM INFILE {quoted(str(file))} {insert.settings} FORMAT {insert.format}"
