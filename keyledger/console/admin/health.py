"""How far everything is, and what is wrong, with what to do about it: the status, as a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi.responses import Response

from keyledger.console.admin.health_words import ALARMS, FOLLOWERS, PARTS, STATES
from keyledger.console.routing import LoggedIn, page_router
from keyledger.http.answer.encode import encode
from keyledger.http.operations.open_status import open_status
from keyledger.http.operator.status import usage_of
from keyledger.runtime.services import Services
from projections.errors import ProjectionError
from projections.ledger.dead_letters import DeadLetter

router = page_router()
_LETTERS: Final = 50
_NOT_SHOWN: Final = "keyledger status says why"


@router.get("/health")
async def health(visit: LoggedIn) -> Response:
    """The whole status. Hosts and the words of other servers are for the operator of the machine alone, as ever."""
    visit.session.principal.require("admin")
    services = visit.services
    full = visit.session.principal.token is None
    seen = await services.status()
    usage = await usage_of(services, seen)
    if not full and not usage["rows"]:
        usage = {**usage, "hint": _NOT_SHOWN}
    return visit.page(
        "health/health.html",
        shown=encode(seen) if full else open_status(seen),
        usage=usage,
        letters=await _letters(services) if seen.dead_letters_open else [],
        verified_as=None if seen.verified is None else seen.verified.result,
        limits={"lag_s": services.settings.lag_alarm_s, "missing_s": services.settings.part_missing_s},
        full=full,
        made_at=datetime.now(UTC),
        words={"alarms": ALARMS, "parts": PARTS, "states": STATES, "followers": FOLLOWERS},
    )


async def _letters(services: Services) -> list[dict[str, Any]]:
    """Those that are open, the latest first; none where ClickHouse fails just now, of which an alarm tells."""
    try:
        return [_letter(one) for one in await services.letters.find("open", limit=_LETTERS)]
    except ProjectionError:
        return []


def _letter(one: DeadLetter) -> dict[str, Any]:
    return {**encode(one), "position": one.position or None, "held_position": one.held_position if one.holds else None}
