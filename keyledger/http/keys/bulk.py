"""Many keys at once: create and edit, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, KeyWriter, Registry, caller_of
from keyledger.http.keys.bodies import BulkCreateBody, BulkEditBody, SelectBody
from keyledger.http.keys.gateway import gateway_header
from keyledger.http.keys.views import KeyOut, NewKeyOut, key_out, new_key_out
from keyledger.http.request.query_params import NoQuery
from keyledger.http.request.request_body import JSON, body_docs, json_body
from registry.bulk import BulkEdit
from registry.errors import FieldFault, FieldsRefused
from registry.keys.bulk import Action, EditKeys
from registry.keys.commands import EditKey
from registry.keys.filters import KeyFilters
from registry.queries import Queries
from registry.service import KeyAnswer, NewKey

router = APIRouter(prefix="/admin/api-keys", tags=["keys"], dependencies=OF_CALLERS)

# An answer lists no more keys than a page does.
_SHOWN: Final = 1000
_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Keys with their secrets, which are shown this once."""

    items: list[NewKeyOut]
    position: int


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """A key before and after a change."""

    public_id: str
    before: KeyOut
    after: KeyOut


@dataclass(frozen=True, slots=True)
class ChangedKeys:
    """What a change of many keys was about: the first thousand of them, newest first."""

    matched: int
    changed: int
    items: list[ChangedKey]
    position: int


@router.post(
    "/bulk-create",
    status_code=201,
    response_model=NewKeys,
    responses=documented(409, 413, 415, 422),
    openapi_extra=body_docs(BulkCreateBody, JSON),
)
async def create_keys(
    request: Request,
    registry: Registry,
    principal: KeyWriter,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[BulkCreateBody, Depends(json_body(BulkCreateBody, JSON))],
) -> JSONResponse:
    """Make up to a thousand keys, all or none. The answer is the only one that ever shows their `api_key`.

    `Keyledger-Gateway` says whether the gateway has them: `ready` or `pending`.
    """
    new = [NewKey(one.tags, one.details, one.expiration) for one in body.items]
    made = await registry.bulk.create(new, caller_of(request, principal, _shown_new))
    shown = _shown_new(made)
    shown.headers.update(await gateway_header(made[-1].key.position, registry.gateway_wait))
    return shown


@router.post(
    "/bulk-edit",
    response_model=ChangedKeys,
    responses=documented(409, 413, 415, 422),
    openapi_extra=body_docs(BulkEditBody, JSON),
)
async def edit_keys(
    request: Request,
    registry: Registry,
    principal: KeyWriter,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[BulkEditBody, Depends(json_body(BulkEditBody, JSON))],
) -> JSONResponse:
    """Change all keys that match, in one transaction, or none: by a patch or an action.

    `dry_run` changes nothing and answers what it would do.
    """
    change = _change(body, may_backdate=principal.allows("keys:backdate"))
    command = EditKeys(await _filters(body.select, registry.queries), change, body.expected_count)
    caller = caller_of(request, principal, _shown, body.reason)
    return _shown(await registry.bulk.edit(command, caller, dry=body.dry_run))


def _change(body: BulkEditBody, *, may_backdate: bool) -> EditKey | Action:
    if body.patch is not None and body.action is not None:
        raise FieldsRefused(FieldFault("action", "goes without a patch: give one of them"))
    if body.patch is not None:
        return body.patch.command(body.effective_at, body.reason, may_backdate=may_backdate)
    if body.action is None:
        raise FieldsRefused(FieldFault("patch", "is needed, or an action"))
    if body.effective_at is not None:
        raise FieldsRefused(FieldFault("effective_at", "goes with a patch of tags: an action counts from now"))
    return body.action


async def _filters(select: SelectBody, queries: Queries) -> KeyFilters:
    """What is selected. Raises FieldsRefused for the id of no key."""
    public_ids = None
    if select.public_ids is not None:
        known = await queries.keys_of(select.public_ids)
        faults = [
            FieldFault(f"select.public_ids.{number}", "is the id of no key")
            for number, one in enumerate(select.public_ids)
            if one not in known
        ]
        if faults:
            raise FieldsRefused(*faults[:_FAULTS])
        public_ids = frozenset(known.values())
    return KeyFilters(
        public_ids=public_ids,
        tags=select.tags or {},
        has_tag=select.has_tag,
        lacks_tag=select.lacks_tag,
        status=select.status,
        organization=select.organization,
        workspace=select.workspace,
    )


def _shown_new(made: Sequence[KeyAnswer]) -> JSONResponse:
    position = made[-1].position
    return answer(NewKeys([new_key_out(one) for one in made], position), position, 201)


def _shown(edit: BulkEdit) -> JSONResponse:
    items = [
        ChangedKey(one.after.public_id, key_out(one.before, edit.now), key_out(one.after, edit.now))
        for one in edit.changes[:_SHOWN]
    ]
    return answer(ChangedKeys(len(edit.changes), edit.changed, items, edit.position), edit.position)
