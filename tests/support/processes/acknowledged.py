"""What was acknowledged to writers: each change by its key and version, with its position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from tests.support.portal import AdminClient

Acknowledged = Mapping[tuple[str, int], int]


async def assert_all_there(portal: AdminClient, acknowledged: Acknowledged) -> None:
    """Every acknowledged change is in the log, where it was acknowledged."""
    of_key: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for (key, version), position in acknowledged.items():
        of_key[key][version] = position
    for key, mine in of_key.items():
        there = {item["version"]: item["position"] for item in await portal.history(key)}
        assert mine.items() <= there.items(), key
