"""The OpenAPI document says what the API does: schemathesis makes requests from it and checks every answer."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from schemathesis import Case, HookContext, engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from keyledger.runtime.serving.server import bind_tcp, serving
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from tests.support.api.service import Api, open_api
from tests.support.kafka_world import running
from tests.support.servers.databases import Database

CHECKS = {
    # What the schema can't say (NFC, reserved names, instants in the past) is refused all the same.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404", "409", "412", "422"]},
    # Every request has the token of the configuration: what happens without one is in test_scopes.
    "missing_required_header": {"enabled": False},
    # A revoked key stays readable, with its history, for ever.
    "use_after_free": {"enabled": False},
}


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Each request is one of its own: under one idempotency key, all but the first would be refused as others.

    And none ends the token that all of them have.
    """
    for name in list(case.headers or ()):
        if name.lower() == "idempotency-key":
            case.headers[name] = str(uuid4())
    if "token_id" in (case.path_parameters or {}):
        case.path_parameters["token_id"] = "AAAAAAAAAAAA"


def config(url: str, api: Api, *, whole: bool) -> SchemathesisConfig:
    """All checks, the same requests at every run: drawn ones and sequences of calls, if `whole` also the edges."""
    examples = 8 if whole else 4
    return SchemathesisConfig.from_dict(
        {
            "base-url": url,
            "headers": api.bearer("admin"),
            "seed": 20260301,
            "checks": CHECKS,
            "generation": {
                "max-examples": examples,
                "database": "none",
                "deterministic": True,
                "no-shrink": True,
            },
            "phases": {"stateful": {"generation": {"max-examples": 3}}, "coverage": {"enabled": whole}},
        }
    )


def failures(document: dict[str, Any], settings: SchemathesisConfig) -> tuple[list[str], int]:
    """What does not hold, and how many requests were made. Blocking."""
    found: dict[str, None] = {}
    requests = 0
    for event in engine.from_schema(schemathesis.openapi.from_dict(document, config=settings)).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found[f"{type(event).__name__}: {getattr(event, 'value', None) or getattr(event, 'exception', None)}"] = (
                None
            )
        if isinstance(event, events.ScenarioFinished):
            requests += len(event.recorder.cases)
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        if failure.operation == "GET /readyz" and "/readyz?part=" in check.failure_info.code_sample:
                            continue  # 503 is its answer about a part that does not run
                        text = f"{failure.operation}: {failure.title}: {failure.message}"
                        found[f"{text}\n    {check.failure_info.code_sample}"[:1500]] = None
    return list(found), requests


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("whole", "least"), [(False, 100), pytest.param(True, 1000, marks=pytest.mark.long)], ids=["drawn", "whole"]
)
async def test_the_document_holds(
    database: Database, clickhouse: ClickHouse, names: Names, whole: bool, least: int
) -> None:
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with open_api(database, clickhouse, names) as api:
        await api.make_key(tags={"customer_id": "acme"})
        log, store = api.services.registry.log, api.services.store
        projector = Projector(LogTail(log), store, str(log.log_id))  # an audit waits for what is not applied
        async with serving([(api.app, bound)]), running(projector.run()), httpx.AsyncClient(base_url=url) as client:
            document = (await client.get("/openapi.json")).json()
            found, requests = await asyncio.to_thread(failures, document, config(url, api, whole=whole))
    assert not found, "\n".join(found)
    assert requests > least, "every operation was tried many times"


async def test_every_error_of_every_call_is_documented_as_a_problem(shared_api: Api) -> None:
    document = (await shared_api.client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        if not path.startswith(("/admin", "/billing", "/audit", "/verify")):
            continue
        for operation in operations.values():
            assert {"400", "401", "403", "422", "500", "503"} <= operation["responses"].keys()
            for status, response in operation["responses"].items():
                if status == "304":
                    continue  # it has no body
                good = {"application/json", "application/x-ndjson", "text/csv"}
                assert set(response["content"]) <= (good if status < "3" else {"application/problem+json"})
                assert len(response["content"]) == 1
