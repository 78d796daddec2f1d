"""Make a key, whose secret is shown once; and change many keys at once."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response
from msgspec import UNSET

from keyledger.client.call import Call
from keyledger.client.calls import create_key, edit_keys
from keyledger.client.errors import Conflict, Problem, Refused
from keyledger.client.model.keys import ChangedKeys
from keyledger.console.refusals import refused, whole
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Form, Visit

router = page_router()
_ROWS: Final = (("customer_id", ""), ("project_id", ""), ("billing_tier", ""))
_NEW: Final = ("description", "expiration", "organization", "workspace")
_MANY: Final = ("status", "action", "effective_at", "reason")


@router.get("/keys/new")
async def new_page(visit: LoggedIn) -> Response:
    """A form of tags."""
    visit.session.principal.require("keys:write", confined=True)
    return _new_page(visit, Form([]), list(_ROWS))


@router.post("/keys/new")
async def make(visit: LoggedIn) -> Response:
    """Make the key. A form that is sent twice makes one, and shows the same secret."""
    form = await visit.form()
    given: dict[str, Any] = {name: form.get(name) or UNSET for name in ("organization", "workspace")}
    tags = {name: value for name, value in form.rows("tag_name", "tag_value") if value}
    call = create_key(
        tags, description=form.get("description") or None, expiration=form.get("expiration") or None, **given
    )
    try:
        made = await visit.ask(call.idempotency_key(form.once))
    except Refused as problem:
        return _new_page(visit, form, form.rows("tag_name", "tag_value"), problem)
    return visit.page("keys/secret.html", key=made, secret=made.api_key, heading="A new key")


@router.get("/keys/bulk")
async def bulk_page(visit: LoggedIn) -> Response:
    """Which keys, and what is to be done with them."""
    visit.session.principal.require("keys:write", confined=True)
    return _bulk_page(visit, Form([]))


@router.post("/keys/bulk")
async def change_many(visit: LoggedIn) -> Response:
    """First show which keys would change, then change exactly so many, in one transaction."""
    form = await visit.form()
    try:
        call = _bulk_call(form)
        found = await visit.ask(call)
    except Refused as problem:
        return _bulk_page(visit, form, problem)
    except Conflict as conflict:  # such as of their number: to be mended in the form, too
        return _bulk_page(visit, form, refused("", conflict.detail))
    return visit.page("keys/bulk_done.html", form=form, found=found, done=bool(form.get("sure")))


def _new_page(visit: Visit, form: Form, tags: list[tuple[str, ...]], problem: Problem | None = None) -> Response:
    return visit.form_page("keys/new.html", problem, typed={name: form.get(name) for name in _NEW}, tags=tags)


def _bulk_page(visit: Visit, form: Form, problem: Problem | None = None) -> Response:
    return visit.form_page(
        "keys/bulk.html",
        problem,
        typed={name: form.get(name) for name in _MANY},
        select=form.rows("select_name", "select_value") or [("customer_id", "")],
        tags=form.rows("tag_name", "tag_value"),
    )


def _bulk_call(form: Form) -> Call[ChangedKeys]:
    select: dict[str, Any] = {}
    if tags := {name: value for name, value in form.rows("select_name", "select_value") if name and value}:
        select["tags"] = tags
    if form.get("status"):
        select["status"] = [form.get("status")]
    action: Any = form.get("action")
    patch = {"tags": {name: value or None for name, value in form.rows("tag_name", "tag_value") if name}}
    sure = bool(form.get("sure"))
    call = edit_keys(
        select,
        patch=patch if action == "edit" else UNSET,
        action=UNSET if action == "edit" else action,
        effective_at=form.get("effective_at") or UNSET,
        reason=form.get("reason") or UNSET,
        expected_count=whole(form.get("count"), "count") if sure else UNSET,
        dry_run=UNSET if sure else True,
    )
    return call.idempotency_key(form.once) if sure else call
