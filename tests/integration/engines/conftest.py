"""One folder for each engine and way to it; the suites are in `tests/support/contracts`.

In process all of them run in `make test`. Over HTTP some would take too long for it, so they are in `make test-long`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
# Thousands of rows or statements: what they show is the engine's speed, or does not depend on the way to it.
_HEAVY = (
    "test_twenty_thousand_edits_of_one_key_are_twenty_thousand_intervals",
    "test_twenty_thousand_tags_that_come_and_go_stay_cheap_too",
    "test_every_cut_into_batches_and_every_repetition_gives_the_same_rows",
)
# Every fourth case of the bill runs in `make test` on one of the two, the others and the other in `make test-long`.
_TAKE_TURNS = "test_bill"
_TURNS = 8
# Of a case with parameters, these run the first in `make test`.
_FIRST_OF_EACH = ("test_clickhouse", "test_projector")
_OVER_HTTP = ("over_http", "over_http_25_8")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is long over HTTP."""
    for turn, folder in enumerate(_OVER_HTTP):
        cases = [item for item in items if item.path == _HERE / folder / f"{_TAKE_TURNS}.py"]
        long = [item for number, item in enumerate(cases) if number % _TURNS != turn * 4]
        for suite in _FIRST_OF_EACH:
            seen = set(_HEAVY)
            for item in (item for item in items if item.path == _HERE / folder / f"{suite}.py"):
                name = item.name.partition("[")[0]
                long += [item] if name in seen else []
                seen.add(name)
        for item in long:
            item.add_marker(pytest.mark.long)
    for item in items:
        if item.path.parent == _HERE / "over_http_25_8":
            item.add_marker(pytest.mark.xdist_group("engine-25-8"))  # an environment and a front of its own
