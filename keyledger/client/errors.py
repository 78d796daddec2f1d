"""What a call can raise. No message quotes a secret: they are the registry's words, or ours.

ClientError
├── Unreachable           no answer came, after all tries; where the call is a change, it may have been made
├── UnexpectedAnswer      an answer that is not Keyledger's, or not one that this version can read
├── NotModified           304: the key still has the version that `if_none_match` named
└── Problem               an answer of application/problem+json; `errors` names each field
    ├── BadRequest            400, 413, 415, 431
    ├── Unauthenticated       401
    ├── Forbidden             403
    ├── NotFound              404
    ├── Conflict              409
    ├── VersionMismatch       412
    ├── Refused               422
    ├── TooManyRequests       429, after all tries
    └── Unavailable           any 5xx, after all tries where those could help
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec


class ClientError(Exception):
    """A call failed."""


class Unreachable(ClientError):
    """No answer came."""


class UnexpectedAnswer(ClientError):
    """The answer can't be read."""


class NotModified(ClientError):
    """The key has not changed."""


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field, by its name in the request, and what to do."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an answer's headers say of a problem; None where they don't."""

    request_id: str | None = None
    position: int | None = None
    retry_after_s: float | None = None


class Problem(ClientError):
    """The registry refused, or could not do it. `detail` is for people, `errors` for a form."""

    def __init__(
        self, status: int, title: str, detail: str, errors: tuple[FieldError, ...], circumstances: Circumstances
    ) -> None:
        self.status, self.title, self.detail, self.errors = status, title, detail, errors
        self.request_id, self.position = circumstances.request_id, circumstances.position
        self.retry_after_s = circumstances.retry_after_s
        super().__init__(f"{status} {title}: {detail}")

    def messages(self) -> dict[str, str]:
        """The message of each wrong field, by its name."""
        return {one.field: one.message for one in self.errors}


class BadRequest(Problem):
    """The request could not be read."""


class Unauthenticated(Problem):
    """The token is not, or no longer, good."""


class Forbidden(Problem):
    """The token lacks the scope."""


class NotFound(Problem):
    """There is no such thing."""


class Conflict(Problem):
    """Not in this state."""


class VersionMismatch(Problem):
    """It has another version than `if_match` named."""


class Refused(Problem):
    """A field is wrong."""


class TooManyRequests(Problem):
    """The token has too much under way."""


class Unavailable(Problem):
    """The registry can't do it now."""


_BY_STATUS: Final[Mapping[int, type[Problem]]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: VersionMismatch,
    413: BadRequest,
    415: BadRequest,
    422: Refused,
    429: TooManyRequests,
    431: BadRequest,
}


class _Body(msgspec.Struct):
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()


def problem_of(status: int, headers: Mapping[str, str], content: bytes) -> ClientError:
    """The error that an answer of 4xx or 5xx stands for; `headers` by their names in lower case."""
    try:
        body = msgspec.json.decode(content, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        body = _Body("", "the answer says no more: what is between may have given it")
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else Problem)
    position = headers.get("keyledger-position", "")
    circumstances = Circumstances(
        headers.get("keyledger-request-id"), int(position) if position.isdigit() else None, retry_after_s(headers)
    )
    return kind(status, body.title, body.detail, body.errors, circumstances)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The seconds of Retry-After; None without one, and for a date, which Keyledger never gives."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdigit() and len(text) < 10 else None
