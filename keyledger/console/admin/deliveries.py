"""What became of each event for a webhook: list, send once more, and a test."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import Query
from fastapi.responses import Response

from keyledger.client.calls import list_deliveries, replay_delivery, test_webhook
from keyledger.client.errors import Conflict, NotFound
from keyledger.client.model.webhooks import SentTest
from keyledger.console.admin.webhooks import find_webhook
from keyledger.console.answers import see_other
from keyledger.console.refusals import whole
from keyledger.console.routing import LoggedIn, PathId, page_router
from keyledger.console.visit import Visit

router = page_router()
_PAGE: Final = 50
# A page of the API. As many are sent once more by one click, so that the browser has an answer in seconds.
_AT_ONCE: Final = 1000
STATUSES: Final = ("pending", "dead", "delivered")


@router.get("/webhooks/{webhook_id}")
async def deliveries(
    visit: LoggedIn,
    webhook_id: PathId,
    status: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
    cursor: str = "",
    again: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    """A webhook, and its deliveries, the latest first. `again`: how many were just sent once more."""
    return await _page(visit, webhook_id, [one for one in status if one], cursor, again=again)


@router.get("/webhooks/{webhook_id}/test")
async def tested(webhook_id: PathId) -> Response:
    """The webhook, for who loads the page of a test again by its address."""
    return see_other(_address(webhook_id))


@router.post("/webhooks/{webhook_id}/test")
async def test(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Send a test now, and show what came back."""
    form = await visit.form()
    sent = await visit.ask(test_webhook(webhook_id).idempotency_key(form.once))
    return await _page(visit, webhook_id, [], "", sent=sent)


@router.post("/webhooks/{webhook_id}/replay")
async def replay(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Send one event once more."""
    form = await visit.form()
    position = whole(form.get("position"), "position")
    await visit.ask(replay_delivery(webhook_id, position).idempotency_key(form.once))
    return see_other(f"{_address(webhook_id)}?again=1")


@router.post("/webhooks/{webhook_id}/replay-dead")
async def replay_dead(visit: LoggedIn, webhook_id: PathId) -> Response:
    """Send what is dead once more, in the order of the log: all of it, or the oldest thousand."""
    await visit.form()
    again = 0
    for position in (await _dead(visit, webhook_id))[:_AT_ONCE]:
        try:
            await visit.ask(replay_delivery(webhook_id, position))
        except (NotFound, Conflict):  # somebody else did it, or it was dropped meanwhile
            continue
        again += 1
    return see_other(f"{_address(webhook_id)}?again={again}")


async def _dead(visit: Visit, webhook_id: str) -> list[int]:
    """The positions of what is dead, oldest first."""
    dead = list_deliveries(webhook_id, status=["dead"], limit=_AT_ONCE)
    return sorted([one.position async for one in visit.client.items(dead)])


async def _page(
    visit: Visit,
    webhook_id: str,
    status: list[str],
    cursor: str,
    *,
    again: int | None = None,
    sent: SentTest | None = None,
) -> Response:
    webhook = await find_webhook(visit, webhook_id)
    call = list_deliveries(webhook_id, status=status, limit=_PAGE)
    found = await visit.ask(call.asking(cursor=cursor) if cursor else call)
    return visit.page(
        "webhooks/one.html",
        webhook=webhook,
        found=found,
        chosen=status,
        statuses=STATUSES,
        sent=sent,
        again=again,
        first=_address(webhook_id, status) if cursor else None,
        following=_address(webhook_id, status, found.next_cursor) if found.next_cursor else None,
    )


def _address(webhook_id: str, status: list[str] | None = None, cursor: str | None = None) -> str:
    query = [("status", one) for one in status or ()] + ([("cursor", cursor)] if cursor else [])
    return f"/console/webhooks/{quote(webhook_id, safe='')}" + (f"?{urlencode(query)}" if query else "")
