"""Pages of events, newest first: who goes on with "Older" sees each event that fits once, and none that does not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keyledger.client.call import Call
from keyledger.client.model.events import Event, EventData, EventPage
from keyledger.console.events.rows import Viewer
from keyledger.console.events.windows import Found, Question, newest
from keyledger.console.visit import Visit

AT = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = Viewer((), {})
# What one answer of the feed looks through at most.
LOOKED_THROUGH = 5000


def event(position: int) -> Event:
    """Every hundredth is a revocation, and every 999th is about the one key."""
    kind = "KeyRevoked" if position % 100 == 0 else "TagsChanged"
    stream = "key-theOneKey000" if position % 999 == 0 else f"key-{position}"
    data = EventData(position, stream, 1, AT, "operator", None, None, {}, "", "", "")
    return Event(str(position), "", f"keyledger.{kind}.v1", stream.partition("-")[2], AT, "", data)


class Feed:
    """The feed of a log, which counts what it is asked."""

    def __init__(self, head: int) -> None:
        self.log = [event(position) for position in range(1, head + 1)]
        self.asked = 0

    async def ask(self, call: Call[Any]) -> EventPage:
        """A page as GET /admin/events gives it."""
        self.asked += 1
        after, limit = int(call.query["after"]), int(call.query["limit"])
        types = call.query.get("type", [])
        found: list[Event] = []
        reached = after
        for one in self.log[after : after + LOOKED_THROUGH]:
            reached = one.position
            if not types or one.type.split(".")[1] in types:
                found.append(one)
            if len(found) == limit:
                break
        return EventPage(found, reached)


def pages(feed: Feed, question: Question, want: int) -> list[Found]:
    """All pages, from the newest to the oldest."""
    visit = cast("Visit", SimpleNamespace(ask=feed.ask))
    found, before = list[Found](), len(feed.log) + 1
    while True:
        found.append(asyncio.run(newest(visit, question, before, want, NOBODY)))
        following = found[-1].before
        if following is None:
            return found
        assert following < before
        before = following


@pytest.mark.parametrize("head", [0, 1, 99, 100, 101, 12_345, 60_000])
@pytest.mark.parametrize(
    "question",
    [Question([], ""), Question(["KeyRevoked"], ""), Question([], "theOneKey000"), Question(["KeyRevoked"], "nothing")],
    ids=["all", "type", "about", "none"],
)
def test_each_event_that_fits_is_on_one_page(head: int, question: Question) -> None:
    feed = Feed(head)
    shown = [row.position for page in pages(feed, question, 100) for row in page.rows]
    fitting = [
        one.position
        for one in reversed(feed.log)
        if question.fits(one) and (not question.types or one.type.split(".")[1] in question.types)
    ]
    assert shown == fitting


def test_a_page_asks_little_of_a_long_log() -> None:
    feed = Feed(60_000)
    visit = cast("Visit", SimpleNamespace(ask=feed.ask))
    asyncio.run(newest(visit, Question([], ""), 60_001, 100, NOBODY))
    assert feed.asked == 1
    found = asyncio.run(newest(visit, Question([], "nothing"), 60_001, 100, NOBODY))
    assert feed.asked < 50
    assert found.rows == []
    assert found.before is not None
