"""For how long what is rotated goes on to work: the choices of a form."""

from __future__ import annotations

from typing import Final

from keyledger.console.visit import Form

# Seconds, as forms have them, and words.
OVERLAPS: Final = {"0": "not at all", "3600": "an hour", "86400": "a day", "604800": "seven days"}
DAY: Final = "86400"


def overlap_s(form: Form, usual: str) -> int:
    """What was chosen, or the usual where it is none of the choices."""
    chosen = form.get("overlap_s")
    return int(chosen if chosen in OVERLAPS else usual)
