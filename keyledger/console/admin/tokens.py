"""Admin tokens: list, make, rotate and revoke. A token's text is on the page after its making alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from msgspec import UNSET

from keyledger.client.call import Call, Page
from keyledger.client.calls import create_token, list_tokens, revoke_token, rotate_token
from keyledger.client.errors import Problem
from keyledger.client.model.tokens import NewToken, Token
from keyledger.console.addresses import pages_of
from keyledger.console.admin.overlaps import OVERLAPS, overlap_s
from keyledger.console.answers import see_other
from keyledger.console.refusals import MENDABLE, pairs
from keyledger.console.routing import LoggedIn, PathId, page_router
from keyledger.console.visit import Form, Visit
from registry.errors import UnknownToken
from registry.tokens.state import SCOPES

router = page_router()
_PAGE: Final = 100
_MOST: Final = 1000
_FIELDS: Final = ("name", "expires_at", "organization", "workspace")


@dataclass(frozen=True, slots=True)
class TypedToken:
    """A token as it stands in the form."""

    fields: dict[str, str]
    scopes: list[str]
    tags: list[tuple[str, ...]]

    @classmethod
    def of(cls, form: Form) -> TypedToken:
        """What was typed."""
        fields = {name: form.get(name) for name in _FIELDS}
        return cls(fields, form.all("scope"), form.rows("tag_name", "tag_value"))

    def call(self) -> Call[NewToken]:
        """The call that makes it: confined to nothing where none of it was filled in. Raises Refused."""
        within = {name: self.fields[name] for name in ("organization", "workspace") if self.fields[name]}
        tags = pairs(self.tags, "confined_to.tags")
        confined: dict[str, Any] = within | ({"tags": tags} if tags else {})
        return create_token(
            self.fields["name"],
            self.scopes,
            expires_at=self.fields["expires_at"] or UNSET,
            confined_to=confined or UNSET,
        )


@router.get("/tokens")
async def tokens(request: Request, visit: LoggedIn, cursor: str = "") -> Response:
    """All tokens, oldest first."""
    call = list_tokens(limit=_PAGE)
    found: Page[Token] = await visit.ask(call.asking(cursor=cursor) if cursor else call)
    return visit.page(
        "tokens/tokens.html",
        found=found,
        now=datetime.now(UTC),
        mine=_mine(visit),
        **pages_of(request, cursor, found.next_cursor),
    )


@router.get("/tokens/new")
async def new_token(visit: LoggedIn) -> Response:
    """An empty form."""
    visit.session.principal.require("admin")
    return _form(visit, TypedToken(dict.fromkeys(_FIELDS, ""), [], []))


@router.post("/tokens")
async def make(visit: LoggedIn) -> Response:
    """Make a token, and show its text. A form that is sent twice makes one."""
    form = await visit.form()
    typed = TypedToken.of(form)
    try:
        made = await visit.ask(typed.call().idempotency_key(form.once))
    except MENDABLE as problem:
        return _form(visit, typed, problem)
    return visit.page("tokens/made.html", 201, token=made, before=None)


@router.get("/tokens/{token_id}/rotate")
async def rotating(visit: LoggedIn, token_id: PathId) -> Response:
    """Ask how long the old one goes on to work."""
    token = await _find(visit, token_id)
    return visit.page("tokens/rotate.html", token=token, overlaps=OVERLAPS, mine=_mine(visit))


@router.post("/tokens/{token_id}/rotate")
async def rotate(visit: LoggedIn, token_id: PathId) -> Response:
    """Make a token in place of one, and show its text."""
    form = await visit.form()
    call = rotate_token(token_id, overlap_s=overlap_s(form, "0"))
    made = await visit.ask(call.idempotency_key(form.once))
    return visit.page("tokens/made.html", 201, token=made, before=token_id)


@router.get("/tokens/{token_id}/revoke")
async def revoking(visit: LoggedIn, token_id: PathId) -> Response:
    """Ask whether this one is meant."""
    return visit.page("tokens/revoke.html", token=await _find(visit, token_id), mine=_mine(visit))


@router.post("/tokens/{token_id}/revoke")
async def revoke(visit: LoggedIn, token_id: PathId) -> Response:
    """Revoke a token at once."""
    form = await visit.form()
    call = revoke_token(token_id, reason=form.get("reason") or None)
    await visit.ask(call.idempotency_key(form.once))
    return see_other("/console/tokens")


async def _find(visit: Visit, token_id: str) -> Token:
    """The token of an id: the API shows tokens in its list alone. Raises UnknownToken."""
    async for one in visit.client.items(list_tokens(limit=_MOST)):
        if one.token_id == token_id:
            return one
    raise UnknownToken


def _mine(visit: Visit) -> str | None:
    token = visit.session.principal.token
    return None if token is None else token.token_id


def _form(visit: Visit, typed: TypedToken, problem: Problem | None = None) -> Response:
    return visit.form_page(
        "tokens/form.html",
        problem,
        typed=typed.fields,
        chosen=typed.scopes,
        tags=typed.tags,
        scopes=SCOPES,
    )
