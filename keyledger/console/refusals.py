"""What a form shows when the API refuses it: a sentence above, and a message at each wrong field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from keyledger.client.errors import Circumstances, Conflict, FieldError, Forbidden, Refused, VersionMismatch

_DIGITS: Final = 15
# What the person can mend in the form, so the form is shown again as it was typed.
MENDABLE: Final = (Refused, Conflict, Forbidden, VersionMismatch)


def refused(field: str, message: str) -> Refused:
    """A refusal of ours, in the shape of the API's: what it could not tell from the call. Of no field where empty."""
    error = FieldError(field, message)
    return Refused(422, "Unprocessable Content", f"{field} {message}".strip(), (error,), Circumstances())


def whole(text: str, field: str) -> int:
    """A whole number, 0 or more. Raises Refused."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise refused(field, "must be a whole number")
    return int(text)


def pairs(rows: Iterable[tuple[str, ...]], field: str) -> dict[str, str]:
    """Names and values of a table of fields. Raises Refused where a name is there twice: none may win in silence."""
    found: dict[str, str] = {}
    for name, value in rows:
        if name in found:
            raise refused(f"{field}.{name}", "is there twice")
        found[name] = value
    return found
