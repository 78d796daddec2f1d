"""Makes the document of an app: the framework's own, its parts named, described and cleaned."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from keyledger.http.answer.problem import Problem, problems
from keyledger.http.openapi import headers, meanings, names, schemas

# Relative to where the document was read: a generated client is given the address of its own registry.
_SERVERS: Final = [{"url": "/", "description": "the registry that this document came from"}]
_TAGS: Final = [
    {"name": "keys", "description": "API keys, their tags, and what ends them."},
    {"name": "tokens", "description": "Admin tokens: who may call what, of which keys, and until when."},
    {"name": "tag policy", "description": "What tags a key must and may have."},
    {"name": "prices", "description": "The price book: what tokens and inferences cost a customer, from when to when."},
    {"name": "events", "description": "The log as a feed, for machines that keep a copy."},
    {"name": "webhooks", "description": "The log sent to other systems: signed, in order for each key, at least once."},
    {"name": "billing", "description": "Bills of periods, by the tags that keys had at each inference."},
    {"name": "audit", "description": "What happened, what held when, and whether everything is as the log says."},
    {"name": "operations", "description": "Health and metrics, for machines: without a token."},
]


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document of an app, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=_SERVERS,
            tags=_TAGS,
        )
        _complete(document)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    _refuse_as_we_do(document)
    names.name_schemas(document)
    for name, schema in components["schemas"].items():
        meanings.describe(name, schema)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names.summarise(operation)
            headers.describe(path, method, operation)
            schemas.clean_parameters(operation)
    components.update(deepcopy({"headers": headers.HEADERS, "parameters": headers.PARAMETERS}))
    schemas.clean(document["paths"])
    for schema in components["schemas"].values():
        schemas.clean(schema)
        schemas.clean_fields(schema)


def _refuse_as_we_do(document: dict[str, Any]) -> None:
    """Refusals are problems, also those of routes that leave their 422 to the framework."""
    found = document["components"].setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        found.pop(unused, None)
    problem = Problem.model_json_schema(ref_template=names.REF + "{model}")
    found.update(problem.pop("$defs"), Problem=problem)
    for operation in names.operations(document):
        answers = operation["responses"]
        if "application/json" in answers.get("422", {}).get("content", {}):
            answers["422"] = problems(422)[422]
