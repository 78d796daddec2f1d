"""POST /operator/sql: ClickHouse SQL by the operator of the machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from keyledger.embedded.load import engine_words
from keyledger.http.dependencies import OF_OPERATOR, Services
from keyledger.http.request.request_body import JSON, Body, json_body
from projections.engine.statement import names_format
from projections.errors import ClickHouseDamaged, ClickHouseRefused, ProjectionError, SeveralStatements
from registry.errors import FieldFault, FieldsRefused
from registry.instant import format_us

MAX_SQL = 100_000
RAW = "application/octet-stream"
# Behind the words about a statement that the parser refuses stands the one that asked it.
_ASKED = ": In scope SELECT formatQuery("

# Statements that surely write nothing; behind a comment, say, one may be taken for another, which costs a look.
_READS = re.compile(r"\s*(SELECT|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|WITH)\b", re.IGNORECASE)

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


class SqlBody(Body):
    """One ClickHouse statement."""

    sql: str = Field(min_length=1, max_length=MAX_SQL)


@router.post("/sql")
async def run_sql(services: Services, body: Annotated[SqlBody, Depends(json_body(SqlBody, JSON))]) -> Response:
    """Run one statement with all the rights of this process: SQL can read and write files here.

    The result of one that names a FORMAT is answered as the engine writes it. What a statement writes into the
    gateway's tables is in the usage journal when it is answered.
    """
    clickhouse = services.clickhouse
    try:
        formatted = await names_format(clickhouse, body.sql)
        raw = await clickhouse.raw(body.sql) if formatted else b""
        columns, rows = ([], []) if formatted else await clickhouse.table(body.sql)
    except SeveralStatements as error:
        raise FieldsRefused(FieldFault("sql", str(error))) from error
    except (ClickHouseRefused, ClickHouseDamaged) as error:
        # The engine's own words: they go to the operator who wrote the statement, and to no log.
        raise FieldsRefused(FieldFault("sql", engine_words(error).partition(_ASKED)[0])) from error
    if services.books is not None and not _READS.match(body.sql):
        with suppress(ProjectionError):  # the statement is done; `status` says why its rows are not collected
            await services.books.catch_up()
    if formatted:
        return Response(raw, media_type=RAW)
    return JSONResponse({"columns": columns, "rows": [[_plain(value) for value in row] for row in rows]})


def _plain(value: Any) -> Any:
    """A ClickHouse value as JSON, as the engine has it: exact numbers as text with all their digits, instants in RFC
    3339.
    """
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime) and value.tzinfo:
        return format_us(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
