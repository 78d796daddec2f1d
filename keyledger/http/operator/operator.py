"""What only the operator of the machine may do: tokens, SQL, loading gateway rows. Mounted on the Unix socket alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from keyledger.embedded.load import LoadError, check_table, engine_words, load_file
from keyledger.http.keys.bodies import Body
from keyledger.http.keys.keys import answer, principal_of
from keyledger.http.request_body import JSON, json_body
from keyledger.runtime import dead_letters
from keyledger.runtime.republish import publish_again
from keyledger.runtime.services import Services
from projections.errors import ClickHouseRefused, ProjectionError
from projections.ledger.dead_letters import DeadLetter
from projections.usage.gateway_tables import UsageSeen, read_usage
from registry.auth import OPERATOR
from registry.errors import FieldFault, FieldsRefused
from registry.instant import format_ms, format_us, from_ms
from registry.keys.tokens import TokenState
from registry.log.event_log import Caller

MAX_SQL = 100_000

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=[Depends(principal_of)])


class TokenBody(Body):
    """An admin token to make."""

    name: str
    scopes: list[str]


class SqlBody(Body):
    """One ClickHouse statement."""

    sql: str = Field(min_length=1, max_length=MAX_SQL)


class DecisionBody(Body):
    """What is decided about open dead letters: those named, or all."""

    decision: Literal["waive", "replay"]
    ids: list[str] | None = Field(None, min_length=1, max_length=10_000)
    reason: str = Field("", max_length=2000)


class RangeBody(Body):
    """Positions to publish once more, both ends included; up to the head when `until` is not given."""

    since: int = Field(ge=1)
    until: int | None = Field(None, ge=1)


class LoadBody(Body):
    """Files of this machine to load into one of the gateway's tables."""

    table: str
    files: list[str] = Field(min_length=1, max_length=10_000)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Open = Annotated[Services, Depends(_services)]


@router.get("/status")
async def status(services: Open) -> JSONResponse:
    """Head of the log, how far each publisher and projector is, what the gateway has written, and what is wrong."""
    seen = await services.status()
    usage = await read_usage(services.clickhouse, services.names)
    return answer({**asdict(seen), "usage": _usage(usage)}, seen.head)


@router.get("/dead-letters")
async def list_dead_letters(
    services: Open,
    status: Literal["open", "replayed", "waived", "any"] = "open",
    limit: Annotated[int, Query(ge=1, le=100_000)] = 100,
) -> JSONResponse:
    """Records of the topic that are no events of the log, the latest first."""
    letters = await services.letters.find(None if status == "any" else status, limit=limit)
    return JSONResponse({"items": [_letter(one) for one in letters]})


@router.post("/dead-letters")
async def decide(services: Open, body: Annotated[DecisionBody, Depends(json_body(DecisionBody, JSON))]) -> JSONResponse:
    """Waive or replay open dead letters; `missing` are those that could not be replayed and stay open."""
    if body.decision == "waive":
        decided, missing = await dead_letters.waive(services, body.ids, body.reason), []
    else:
        outcome = await dead_letters.replay(services, body.ids, body.reason)
        decided, missing = outcome.replayed, outcome.missing
    return JSONResponse({"items": [_letter(one) for one in decided], "missing": [one.id for one in missing]})


@router.post("/publish")
async def publish(services: Open, body: Annotated[RangeBody, Depends(json_body(RangeBody, JSON))]) -> JSONResponse:
    """Publish a range of the log to the topic once more."""
    count = await publish_again(
        services.settings, services.registry, body.since, body.until, lambda _position, _last: None
    )
    return JSONResponse({"published": count})


@router.post("/tokens", status_code=201)
async def create_token(services: Open, body: Annotated[TokenBody, Depends(json_body(TokenBody, JSON))]) -> JSONResponse:
    """Make an admin token: the only answer that ever shows it."""
    state, text = await services.registry.tokens.create(body.name, tuple(body.scopes), _caller())
    return answer({**_token(state), "token": text}, state.position, 201)


@router.get("/tokens")
async def list_tokens(services: Open) -> JSONResponse:
    """All admin tokens, oldest first."""
    tokens = await services.registry.queries.tokens()
    seen = await services.registry.queries.seen()
    return answer({"items": [_token(one) for one in tokens]}, seen.position)


@router.delete("/tokens/{token_id}")
async def revoke_token(services: Open, token_id: str) -> JSONResponse:
    """End an admin token; a repeat answers the same."""
    state = await services.registry.tokens.revoke(token_id, _caller())
    return answer(_token(state), state.position)


@router.post("/sql")
async def run_sql(services: Open, body: Annotated[SqlBody, Depends(json_body(SqlBody, JSON))]) -> JSONResponse:
    """Run one statement with all the rights of this process: SQL can read and write files here."""
    try:
        columns, rows = await services.clickhouse.table(body.sql)
    except ClickHouseRefused as error:
        # The engine's own words: they go to the operator who wrote the statement, and to no log.
        raise FieldsRefused(FieldFault("sql", engine_words(error))) from error
    return JSONResponse({"columns": columns, "rows": [[_plain(value) for value in row] for row in rows]})


@router.post("/load")
async def load(services: Open, body: Annotated[LoadBody, Depends(json_body(LoadBody, JSON))]) -> StreamingResponse:
    """Load gateway rows, file by file; one JSON line for each, so that a caller can show progress."""
    try:
        check_table(body.table)
    except LoadError as error:
        raise FieldsRefused(FieldFault("TABLE", str(error))) from error

    async def lines() -> AsyncIterator[str]:
        for name in body.files:
            line: dict[str, Any] = {"file": name}
            try:
                line["rows"] = await load_file(services.clickhouse, services.names.gateway, body.table, Path(name))
            except (LoadError, ProjectionError) as error:
                line["error"] = str(error)
            yield json.dumps(line) + "\n"
            if "error" in line:
                return

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _usage(seen: UsageSeen) -> dict[str, Any]:
    until_ms = seen.seen_until_ms
    seen_until = None if until_ms is None else format_ms(from_ms(until_ms))
    return {"rows": dict(seen.rows), "seen_until": seen_until, "hint": seen.hint}


def _letter(one: DeadLetter) -> dict[str, Any]:
    return {
        **asdict(one),
        "position": one.position or None,
        "held_position": one.held_position if one.holds else None,
        "found_at": format_us(one.found_at),
        "decided_at": None if one.decided_at is None else format_us(one.decided_at),
    }


def _caller() -> Caller:
    return Caller(OPERATOR, request_id=uuid4().hex)


def _token(state: TokenState) -> dict[str, Any]:
    return {
        "token_id": state.token_id,
        "name": state.name,
        "scopes": list(state.scopes),
        "created_at": format_ms(state.created_at),
        "revoked_at": None if state.revoked_at is None else format_ms(state.revoked_at),
    }


def _plain(value: Any) -> Any:
    """A ClickHouse value as JSON: exact numbers as text, instants in RFC 3339."""
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
