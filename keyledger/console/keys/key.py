"""One key: its state, which value each tag had when, its secrets, and its history; and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from fastapi.responses import Response

from keyledger.client.call import Call, instant
from keyledger.client.calls import (
    cancel_scheduled,
    edit_key,
    list_key_events,
    resume_key,
    revoke_credential,
    revoke_key,
    rotate_key,
    show_key,
    show_key_usage,
    suspend_key,
    what_if,
)
from keyledger.client.errors import Refused
from keyledger.client.model.keys import HistoryEvent, Key
from keyledger.console.answers import see_other
from keyledger.console.events.rows import actor_of, row_of
from keyledger.console.events.windows import viewer_of
from keyledger.console.keys.timeline import picture, spans
from keyledger.console.keys.use import looked_at, recent_use
from keyledger.console.refusals import refused, whole
from keyledger.console.routing import LoggedIn, PathId, page_router
from keyledger.console.visit import Visit
from keyledger.console.waiting import sent_in_two
from registry.keys.events import key_stream

router = page_router()
_MOST_EVENTS: Final = 1_000
# What a page shows of them: an event may have 64 tags.
_MOST_SHOWN: Final = 100
_MOST_SPANS: Final = 400
_HOUR_S: Final = 3_600
# The fields of an edit but the tags.
_TYPED: Final = ("description", "expiration", "effective_at", "reason")


@router.get("/keys/{public_id}")
async def key_page(visit: LoggedIn, public_id: PathId, done: str = "") -> Response:
    """The key, and all that happened to it."""
    key = await visit.ask(show_key(public_id))
    events, more = await _events(visit, public_id)
    viewer = await viewer_of(visit)
    found, now = spans(events), datetime.now(UTC)
    use, use_fault = await looked_at(visit, show_key_usage(public_id))
    page = visit.page(
        "keys/key.html",
        key=key,
        rows=[row_of(one, key_stream(public_id), viewer) for one in reversed(events[-_MOST_SHOWN:])],
        who=partial(actor_of, viewer=viewer),
        left_out=len(events) - min(len(events), _MOST_SHOWN),
        more=more,
        use={one.credential_id: one for one in use.items} if use else {},
        seen_until=use.seen_until if use else None,
        use_fault=use_fault,
        spans=found[:_MOST_SPANS],
        spans_left_out=max(0, len(found) - _MOST_SPANS),
        picture=picture(found, now) if len(found) <= _MOST_SPANS else None,
        now=now,
        done=_DONE.get(done),
    )
    return sent_in_two(page, partial(recent_use, visit, key.public_id, now))


@router.get("/keys/{public_id}/edit")
async def edit_page(visit: LoggedIn, public_id: PathId) -> Response:
    """A form of the tags, the description and the expiration."""
    key = await visit.ask(show_key(public_id))
    typed = {**dict.fromkeys(_TYPED, ""), "description": key.description or "", "expiration": _expiration(key)}
    return _edit_page(visit, key, typed, list(key.tags.items()))


@router.post("/keys/{public_id}/edit")
async def edit(visit: LoggedIn, public_id: PathId) -> Response:
    """First show what would change, and what a backdated edit would do to bills; then do it."""
    form = await visit.form()
    key = await visit.ask(show_key(public_id))
    typed, rows = {name: form.get(name) for name in _TYPED}, form.rows("tag_name", "tag_value")
    call, changes = _edit_call(key, typed, rows)
    try:
        if not changes:
            raise refused("", "Nothing is changed.")
        if form.get("sure"):
            await visit.ask(call.if_match(whole(form.get("version"), "version")))
            return see_other(f"/console/keys/{public_id}?done=edited")
        effect = await visit.ask(what_if(call)) if typed["effective_at"] and visit.may("billing:read") else None
    except Refused as problem:
        return _edit_page(visit, key, typed, rows, problem)
    return visit.page("keys/confirm_edit.html", key=key, typed=typed, tags=rows, changes=changes, effect=effect)


@router.post("/keys/{public_id}/suspend")
async def suspend(visit: LoggedIn, public_id: PathId) -> Response:
    """Stop the key until it is resumed."""
    return await _after(visit, public_id, "suspended", suspend_key(public_id, reason=await _reason(visit)))


@router.post("/keys/{public_id}/resume")
async def resume(visit: LoggedIn, public_id: PathId) -> Response:
    """Let a suspended key work again."""
    return await _after(visit, public_id, "resumed", resume_key(public_id, reason=await _reason(visit)))


@router.get("/keys/{public_id}/revoke")
async def revoke_page(visit: LoggedIn, public_id: PathId) -> Response:
    """Ask whether this is the key that was meant: it can't be undone."""
    return visit.page("keys/revoke.html", key=await visit.ask(show_key(public_id)), fault=None)


@router.post("/keys/{public_id}/revoke")
async def revoke(visit: LoggedIn, public_id: PathId) -> Response:
    """Revoke the key, once its name was typed."""
    form = await visit.form()
    key = await visit.ask(show_key(public_id))
    if form.get("name") != named(key):
        return visit.page("keys/revoke.html", 422, key=key, fault=f"Type {named(key)} to revoke this key.")
    await visit.ask(revoke_key(public_id, reason=form.get("reason") or None))
    return see_other(f"/console/keys/{public_id}?done=revoked")


@router.get("/keys/{public_id}/rotate")
async def rotate_page(visit: LoggedIn, public_id: PathId) -> Response:
    """How the secrets that there are end."""
    return visit.page("keys/rotate.html", key=await visit.ask(show_key(public_id)))


@router.post("/keys/{public_id}/rotate")
async def rotate(visit: LoggedIn, public_id: PathId) -> Response:
    """Make a new secret, which is shown this once."""
    form = await visit.form()
    if form.get("ends") == "compromised":
        call = rotate_key(public_id, compromised=True)
    else:
        call = rotate_key(public_id, overlap_s=whole(form.get("hours"), "hours") * _HOUR_S)
    made = await visit.ask(call.idempotency_key(form.once))
    return visit.page("keys/secret.html", key=made, secret=made.api_key, heading="A new secret")


@router.post("/keys/{public_id}/credentials/{credential_id}/revoke")
async def end_credential(visit: LoggedIn, public_id: PathId, credential_id: PathId) -> Response:
    """Revoke one secret of the key."""
    call = revoke_credential(public_id, credential_id, reason=await _reason(visit))
    return await _after(visit, public_id, "credential", call)


@router.post("/keys/{public_id}/scheduled/{position}/cancel")
async def cancel(visit: LoggedIn, public_id: PathId, position: int) -> Response:
    """Cancel a change that is to come."""
    return await _after(
        visit, public_id, "cancelled", cancel_scheduled(public_id, position, reason=await _reason(visit))
    )


def named(key: Key) -> str:
    """What a person knows a key by: its customer, or else its id."""
    return key.tags.get("customer_id", key.public_id)


_DONE: Final = {
    "edited": "The key was changed.",
    "suspended": "The key is suspended: nobody can use it until it is resumed.",
    "resumed": "The key works again.",
    "revoked": "The key is revoked.",
    "credential": "The secret is revoked.",
    "cancelled": "The scheduled change is cancelled.",
}


async def _reason(visit: Visit) -> str | None:
    return (await visit.form()).get("reason") or None


async def _after(visit: Visit, public_id: PathId, done: str, call: Call[Any]) -> Response:
    await visit.ask(call)
    return see_other(f"/console/keys/{public_id}?done={done}")


async def _events(visit: Visit, public_id: PathId) -> tuple[list[HistoryEvent], bool]:
    """All events, oldest first, and whether there are more than a page can show."""
    page = await visit.ask(list_key_events(public_id, limit=_MOST_EVENTS))
    return page.items, page.next_cursor is not None


def _edit_page(
    visit: Visit, key: Key, typed: dict[str, str], tags: Sequence[tuple[str, ...]], problem: Refused | None = None
) -> Response:
    return visit.form_page("keys/edit.html", problem, key=key, typed=typed, tags=[*tags])


def _edit_call(
    key: Key, typed: dict[str, str], rows: Sequence[tuple[str, ...]]
) -> tuple[Call[Key], list[tuple[str, str | None, str | None]]]:
    """The call, and each change as (what, before, after)."""
    wanted = {name: value for name, value in rows if name and value}
    tags: dict[str, str | None] = {name: value for name, value in wanted.items() if key.tags.get(name) != value}
    tags |= {name: None for name in key.tags if name not in wanted}
    changes = [(name, key.tags.get(name), value) for name, value in sorted(tags.items())]
    given: dict[str, Any] = {"tags": tags} if tags else {}
    for name, before in (("description", key.description or ""), ("expiration", _expiration(key))):
        if typed[name] != before:
            given[name] = typed[name] or None
            changes.append((name, before or None, given[name]))
    if typed["effective_at"]:
        given["effective_at"] = typed["effective_at"]
    return edit_key(key.public_id, **given, reason=typed["reason"] or None), changes


def _expiration(key: Key) -> str:
    """As a form has it."""
    return instant(key.expiration) or ""
