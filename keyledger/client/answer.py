"""A good answer: what was asked for, and what its headers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from keyledger.client.call import Call
from keyledger.client.errors import UnexpectedAnswer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came; headers by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """`value` is what was asked for. Further headers are in `reply`, and its very bytes in `reply.content`."""

    value: T
    reply: Reply

    @property
    def position(self) -> int | None:
        """The position of the log at which it was made: `wait_for` of a bill takes it."""
        return self._number("keyledger-position")

    @property
    def version(self) -> int | None:
        """The version of the key that it shows."""
        return self._number("etag")

    @property
    def replayed(self) -> bool:
        """Whether it is the first answer again, of a call that was repeated."""
        return self.reply.headers.get("idempotency-replayed") == "true"

    @property
    def at_gateway(self) -> bool | None:
        """Whether the gateway's table has the new secret; None where no gateway is set up, or there is none."""
        return {"ready": True, "pending": False}.get(self.reply.headers.get("keyledger-gateway", ""))

    def _number(self, header: str) -> int | None:
        text = self.reply.headers.get(header, "").strip('"')
        return int(text) if text.isdigit() else None


def answer_of(call: Call[T], reply: Reply) -> Answer[T]:
    """The answer to a call. Raises UnexpectedAnswer, which quotes nothing of it."""
    return Answer(_decoded(call.answer, reply), reply)


def _decoded(kind: type[T], reply: Reply) -> T:
    try:
        return msgspec.json.decode(reply.content, type=kind)
    except msgspec.ValidationError as error:
        # The library's words name members and types, never a value.
        raise UnexpectedAnswer(f"the answer is not as expected: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnexpectedAnswer("the answer is not JSON: is this the address of a registry?") from None
