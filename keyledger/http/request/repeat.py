"""A request that its caller may repeat: what its answer is kept as, and how it is shown again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi.responses import Response
from starlette.requests import Request
from starlette.types import Scope

from registry.repeats.sealing import RepeatKeys

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
_KEY: Final = "keyledger.repeat"
# Made again with each answer.
_NOT_KEPT: Final = frozenset({"content-length"})


class KeptResponse(msgspec.Struct, frozen=True):
    """An answer as it is sealed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> KeptResponse:
        """What is kept of an answer that is whole."""
        headers = [(name, value) for name, value in response.headers.items() if name not in _NOT_KEPT]
        return cls(response.status_code, headers, bytes(response.body))

    def again(self) -> Response:
        """The same answer, which says that it is not the first."""
        response = Response(self.body, self.status)
        for name, value in self.headers:
            response.headers[name] = value
        response.headers[REPLAYED_HEADER] = "true"
        return response


class OpenRepeat:
    """A request under an idempotency key that is being answered for the first time: see `event_log.Repeat`.

    `is_kept` says that its answer has been sealed for the append's transaction, which may have failed since.
    """

    def __init__(self, keys: RepeatKeys, digest: bytes) -> None:
        self._keys = keys
        self.digest = digest
        self.shows: Callable[[Any], Response] | None = None
        self.is_kept = False

    @property
    def id(self) -> bytes:
        """See Repeat."""
        return self._keys.id

    def keep(self, result: Any) -> tuple[bytes, bytes]:
        """See Repeat."""
        if self.shows is None:
            raise TypeError("the route does not say how its result is shown")
        self.is_kept = True
        return self.digest, self.sealed(KeptResponse.of(self.shows(result)))

    def drop(self) -> None:
        """See Repeat."""
        self.is_kept = False

    def sealed(self, response: KeptResponse) -> bytes:
        """An answer as it is kept."""
        return self._keys.seal(msgspec.msgpack.encode(response), self.digest)

    def opened(self, sealed: bytes) -> KeptResponse:
        """An answer that is kept. Raises Unreadable."""
        return msgspec.msgpack.decode(self._keys.open(sealed, self.digest), type=KeptResponse)


def open_repeat(scope: Scope, repeat: OpenRepeat | None) -> None:
    """Note that a request has an idempotency key; None where its answer is not kept."""
    scope[_KEY] = repeat


def may_repeat(request: Request) -> bool:
    """Whether the idempotency key of a request means something."""
    return _KEY in request.scope


def repeat_of(request: Request, shows: Callable[[Any], Response]) -> OpenRepeat | None:
    """The request's own, which keeps what `shows` makes of the result; None without an idempotency key."""
    repeat: OpenRepeat | None = request.scope.get(_KEY)
    if repeat is not None:
        repeat.shows = shows
    return repeat
