"""A call as a value: what is asked, and what type the answer has. Nothing is sent until a client sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import UNSET

T_co = TypeVar("T_co", covariant=True)
Item = TypeVar("Item")
# An instant: aware, or RFC 3339 with an offset.
Instant = datetime | str

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
ON_BEHALF_OF: Final = "Keyledger-On-Behalf-Of"
_KEPT: Final = frozenset({"POST", "PATCH", "DELETE"})


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list; `next_cursor` is None on the last."""

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One request. Its methods give the same call with something added to it."""

    method: str
    path: str
    answer: type[T_co]
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)  # it may hold an API key
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 60.0
    changes: bool = False

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether the registry keeps the answer for who repeats the call."""
        return self.method in _KEPT and self.path.startswith("/admin/")

    def if_match(self, *versions: int) -> Call[T_co]:
        """Make the change only where the key has one of these versions, else raise VersionMismatch."""
        return self._with("If-Match", ", ".join(f'"{version}"' for version in versions))

    def if_none_match(self, *versions: int) -> Call[T_co]:
        """Raise NotModified where the key has one of these versions, instead of reading it again."""
        return self._with("If-None-Match", ", ".join(f'"{version}"' for version in versions))

    def on_behalf_of(self, person: str) -> Call[T_co]:
        """Record for whom the caller acts, up to 200 characters."""
        return self._with(ON_BEHALF_OF, person)

    def idempotency_key(self, text: str) -> Call[T_co]:
        """Use this text, 1 to 255 visible ASCII characters, instead of a random one.

        Kept before the first try, it lets another process repeat the call after a crash.
        """
        return self._with(IDEMPOTENCY_KEY, text)

    def max_age(self, seconds: int) -> Call[T_co]:
        """Of a bill: be content with one that is so old."""
        return self._with("Cache-Control", f"max-age={seconds}")

    def as_json(self) -> Call[Any]:
        """The same, with an answer as it is written: objects are dicts, instants and money texts."""
        return replace(self, answer=Any)  # type: ignore[arg-type] # msgspec takes it for a type

    def with_json_items(self) -> Call[Page[Any]]:
        """The same of a page's items."""
        call: Call[Any] = self
        return replace(call, answer=Page[Any])

    def asking(self, **query: Any) -> Call[T_co]:
        """The call with these parameters of its query."""
        return replace(self, query={**self.query, **query_of(**query)})

    def _with(self, name: str, value: str) -> Call[T_co]:
        return replace(self, headers={**self.headers, name: value})


def path_of(*segments: str) -> str:
    """A path of its segments, each percent-encoded. Raises ValueError for one that would be another path."""
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError("an id is empty, or can't be in a path")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def query_of(**given: Any) -> dict[str, Any]:
    """The parameters that are given, as texts or lists of texts. Raises ValueError for an instant without offset."""
    texts = {name: _texts(value) for name, value in given.items() if value is not None}
    return {name: value for name, value in texts.items() if value != []}


def body_of(**given: Any) -> dict[str, Any]:
    """The members that are not UNSET. Raises ValueError for an instant without offset."""
    return {name: instant(value) for name, value in given.items() if value is not UNSET}


def instant(value: Any) -> Any:
    """A datetime as RFC 3339 in UTC; anything else as it is. Raises ValueError where it has no offset."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("an instant needs its offset: use datetime(..., tzinfo=UTC)")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _texts(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return [_texts(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(instant(value))
