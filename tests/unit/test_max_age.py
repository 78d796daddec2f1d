"""How old an answer may be, by the header of a request."""

from __future__ import annotations

import pytest

from keyledger.http.request.max_age import max_age_of


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("max-age=2", 2),
        ("Max-Age=2", 2),
        ('max-age="2"', 2),
        ("no-store, max-age=30", 30),
        ("max-age=30,max-age=5", 5),
        ("max-age=0", 0),
        ("max-age=2, no-cache", None),
        ("max-age=-1", None),
        ("max-age=1.5", None),
        ("max-age=\u0662", None),
        ("s-maxage=9", None),
        ("max-age=" + "9" * 30, None),
    ],
)
def test_what_is_not_understood_is_passed_over(header: str | None, seconds: int | None) -> None:
    assert max_age_of(header) == seconds
