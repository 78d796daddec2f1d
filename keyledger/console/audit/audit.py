"""Why a bill says what it says, and whether anyone changed the books: what `keyledger audit` does, as pages."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.responses import Response

from audit.verify.last import last_verify
from keyledger.client.call import Call, path_of, query_of
from keyledger.client.errors import NotFound, Refused
from keyledger.client.model.keys import Key
from keyledger.console.addresses import pages_of
from keyledger.console.answers import see_other
from keyledger.console.audit.reports import SHOWN, ask_report
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Visit
from keyledger.console.waiting import page_or_progress
from registry.instant import parse_instant
from registry.log.event_log import Head

router = page_router()
_PAGE: Final = 50
# What a diff finds is held in memory until the page is made; the command line goes through any number.
_DIFF_MAX: Final = 20_000


class States(msgspec.Struct, frozen=True):
    """The keys that existed at an instant, as known at a position."""

    at: datetime
    known_at: int
    items: list[Key]
    next_cursor: str | None


@router.get("/audit")
async def audit(visit: LoggedIn) -> Response:
    """What can be asked, and how the last full verify ended."""
    return await _overview(visit)


@router.post("/audit/verify")
async def verify(visit: LoggedIn) -> Response:
    """Compare everything with the log, and show what was found. It takes as long as it takes."""
    await visit.form()
    return await page_or_progress(visit, _verified(visit), title="Verify", leave="/console/audit")


async def _verified(visit: Visit) -> Response:
    began_s = time.monotonic()
    report = await ask_report(visit, "/audit/verify")
    took_s = time.monotonic() - began_s
    return visit.page(
        "audit/verify.html",
        report=report,
        took_s=took_s,
        made_at=datetime.now(UTC),
        expired=[one["expired"] for one in report.items if "expired" in one],
    )


@router.get("/audit/state")
async def state(
    request: Request, visit: LoggedIn, at: str = "", known_at: str = "", key: str = "", cursor: str = ""
) -> Response:
    """Keys with their tags at an instant, as known at a position."""
    head = await _head(visit)
    fault, found = None, None
    moment = query_of(at=at.strip() or None, known_at=known_at.strip() or None)
    try:
        found = await _states(visit, key.strip(), moment, cursor)
    except Refused as refused:
        fault = refused.detail
    except NotFound:
        fault = "There was no key of this id then."
    return visit.page(
        "audit/state.html",
        200 if fault is None else 422,
        asked={"at": at, "known_at": known_at, "key": key},
        found=found,
        fault=fault,
        head=head.position,
        **pages_of(request, cursor, None if found is None else found.next_cursor),
    )


@router.get("/audit/diff")
async def diff(request: Request, visit: LoggedIn, to: str = "") -> Response:
    """What the events between two positions did to keys."""
    visit.session.principal.require("audit:read")
    since = request.query_params.get("from", "").strip()  # the word is Python's
    head = await _head(visit)
    asked = {"from": since or "0", "to": to.strip() or str(head.position)}
    return await page_or_progress(
        visit, _difference(visit, asked, head), title="What changed between two positions", leave="/console/audit"
    )


async def _difference(visit: Visit, asked: dict[str, str], head: Head) -> Response:
    fault, report = _fault_of(**asked), None
    if fault is None:
        try:
            report = await ask_report(visit, "/audit/diff", known_at=[asked["from"], asked["to"]])
        except Refused as refused:
            fault = refused.detail
    return visit.page(
        "audit/diff.html",
        200 if fault is None else 422,
        asked=asked,
        report=report,
        fault=fault,
        shown=SHOWN,
        head=head.position,
    )


@router.get("/audit/explain")
async def explain(visit: LoggedIn, inference_id: str = "") -> Response:
    """Go to the page that explains an inference."""
    try:
        return see_other(f"/console/bills/explain{path_of(inference_id.strip())}")
    except ValueError:
        return await _overview(visit, "Give the id of an inference.")


async def _overview(visit: Visit, fault: str | None = None) -> Response:
    visit.session.principal.require("audit:read")
    services = visit.services
    last = await last_verify(services.registry.engine)
    return visit.page(
        "audit/audit.html",
        200 if fault is None else 422,
        fault=fault,
        last=last,
        full=visit.session.principal.token is None,
        head=await services.registry.log.head(),
        now=datetime.now(UTC),
    )


async def _states(visit: Visit, key: str, moment: dict[str, Any], cursor: str) -> States:
    """A page of keys, or the one that is asked for. Raises ClientError."""
    if not key:
        query = query_of(**moment, limit=_PAGE, cursor=cursor or None)
        return await visit.ask(Call("GET", "/audit/state", States, query))
    try:
        path = f"/audit/state{path_of(key)}"
    except ValueError:
        path = "/audit/state/-"  # which no key has
    one = await visit.ask(Call("GET", path, Key, moment))
    at = moment.get("at")
    then = datetime.now(UTC) if at is None else parse_instant(at)
    known_at = int(moment["known_at"]) if "known_at" in moment else (await _head(visit)).position
    return States(then, known_at, [one], None)


def _fault_of(**asked: str) -> str | None:
    """Why two positions can't be compared on a page."""
    if not all(one.isascii() and one.isdigit() and len(one) < 16 for one in asked.values()):
        return "Both positions are whole numbers, 0 for the empty log."
    if int(asked["from"]) > int(asked["to"]):
        return "The first position is the earlier one."
    if int(asked["to"]) - int(asked["from"]) > _DIFF_MAX:
        return f"A page compares up to {_DIFF_MAX} positions: the command keyledger audit diff compares any number."
    return None


async def _head(visit: Visit) -> Head:
    return await visit.services.registry.log.head()
