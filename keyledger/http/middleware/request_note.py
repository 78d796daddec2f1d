"""What the log says of a request when it is answered: gathered on the way to its answer."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

_KEY: Final = "keyledger.note"


@dataclass(slots=True)
class RequestNote:
    """Its id, which its events have, too, who asked where that is known, the status, and what failed."""

    request_id: str = field(default_factory=lambda: uuid4().hex)
    actor: str | None = None
    status: int = 0
    failed: Exception | None = None
    detail: str | None = None

    @property
    def broken(self) -> bool:
        """Whether it is a 5xx, or an answer that was cut off."""
        return self.status >= 500 or (self.failed is not None and self.status < 400)


def note_of(scope: MutableMapping[str, Any]) -> RequestNote:
    """The note of a request, by its ASGI scope; begun if there is none."""
    note: RequestNote | None = scope.get(_KEY)
    if note is None:
        note = scope[_KEY] = RequestNote()
    return note
