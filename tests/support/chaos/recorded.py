"""What the log says of all keys, over HTTP, against what writers were answered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.support.chaos.writers import Writers
from tests.support.oracle.oracle import Fact
from tests.support.oracle.truth import facts_of_event
from tests.support.portal import AdminClient


@dataclass(frozen=True)
class Recorded:
    """All events up to a position at least."""

    position: int
    facts: list[Fact]
    places: dict[tuple[str, int], int]  # key and version to position
    marks: Counter[str]

    @classmethod
    async def read(cls, portal: AdminClient) -> Recorded:
        """Ask for every key's history."""
        answer = await portal.http.get("/admin/api-keys", params={"limit": 1000})
        page = answer.json()
        assert page["next_cursor"] is None
        found = cls(int(answer.headers["Keyledger-Position"]), [], {}, Counter())
        for public_id in [key["public_id"] for key in page["items"]]:
            for item in await portal.history(public_id):
                found.facts.extend(facts_of_event(public_id, item))
                found.places[public_id, item["version"]] = item["position"]
                found.marks[str(item["reason"] or item["data"].get("description"))] += 1
        return found

    def check(self, writers: Writers) -> None:
        """Every acknowledged change is there, no refused one is, and none is there twice."""
        lost = writers.acknowledged.items() - self.places.items()
        assert not lost, f"acknowledged, and not in the log: {lost}"
        absent = writers.recorded - self.marks.keys()
        assert not absent, f"acknowledged, and not in the log: {absent}"
        there = {mark: writers.refused[mark] for mark in self.marks.keys() & writers.refused.keys()}
        assert not there, f"refused, and in the log: {there}"
        twice = [mark for mark, times in self.marks.items() if mark.startswith("mark") and times > 1]
        assert not twice, f"recorded twice: {twice}"
