"""Webhooks: list, make, rotate and delete. A signing secret is on the page after its making alone."""

from __future__ import annotations

from typing import Any, Final

from fastapi.responses import Response

from keyledger.client.call import Page
from keyledger.client.calls import create_webhook, delete_webhook, list_webhooks, rotate_webhook
from keyledger.client.errors import Problem
from keyledger.client.model.webhooks import Webhook
from keyledger.console.admin.overlaps import DAY, OVERLAPS, overlap_s
from keyledger.console.answers import see_other
from keyledger.console.refusals import MENDABLE
from keyledger.console.routing import LoggedIn, PathId, page_router
from keyledger.console.visit import Visit
from keyledger.http.events.types import TYPES
from registry.errors import UnknownWebhook

router = page_router()
# There can be a hundred.
_MOST: Final = 1000
_KINDS: Final = sorted(set(TYPES.values()))


@router.get("/webhooks")
async def webhooks(visit: LoggedIn) -> Response:
    """All webhooks, the last one made first."""
    found: Page[Webhook] = await visit.ask(list_webhooks(limit=_MOST))
    return visit.page("webhooks/webhooks.html", found=found)


@router.get("/webhooks/new")
async def new_webhook(visit: LoggedIn) -> Response:
    """An empty form."""
    visit.session.principal.require("admin")
    return _form(visit, {"url": ""}, [])


@router.post("/webhooks")
async def make(visit: LoggedIn) -> Response:
    """Make a webhook, and show its secret. A form that is sent twice makes one."""
    form = await visit.form()
    url, types = form.get("url"), form.all("type")
    try:
        made = await visit.ask(create_webhook(url, types=types or None).idempotency_key(form.once))
    except MENDABLE as problem:
        return _form(visit, {"url": url}, types, problem)
    return visit.page("webhooks/made.html", 201, webhook=made, rotated=False)


@router.get("/webhooks/{webhook_id}/rotate")
async def rotating(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Ask how long the secrets before it go on to sign."""
    webhook = await find_webhook(visit, webhook_id)
    return visit.page("webhooks/rotate.html", webhook=webhook, overlaps=OVERLAPS, usual=DAY)


@router.post("/webhooks/{webhook_id}/rotate")
async def rotate(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Give a webhook a new secret, and show it."""
    form = await visit.form()
    call = rotate_webhook(webhook_id, overlap_s=overlap_s(form, DAY))
    made = await visit.ask(call.idempotency_key(form.once))
    return visit.page("webhooks/made.html", 201, webhook=made, rotated=True)


@router.get("/webhooks/{webhook_id}/delete")
async def deleting(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Ask whether this one is meant."""
    return visit.page("webhooks/delete.html", webhook=await find_webhook(visit, webhook_id))


@router.post("/webhooks/{webhook_id}/delete")
async def delete(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Delete a webhook, with what it has not delivered."""
    form = await visit.form()
    await visit.ask(delete_webhook(webhook_id).idempotency_key(form.once))
    return see_other("/console/webhooks")


async def find_webhook(visit: Visit, webhook_id: str) -> Webhook:
    """The webhook of an id: the API shows webhooks in their list alone. Raises UnknownWebhook."""
    for one in (await visit.ask(list_webhooks(limit=_MOST))).items:
        if one.id == webhook_id:
            return one
    raise UnknownWebhook


def _form(visit: Visit, typed: dict[str, Any], types: list[str], problem: Problem | None = None) -> Response:
    return visit.form_page("webhooks/form.html", problem, typed=typed, chosen=types, kinds=_KINDS)
