"""Parses a body that can be understood in one way only: UTF-8, each name once, no NaN, no lone surrogates."""

from __future__ import annotations

import json
from collections import Counter
from http import HTTPStatus
from typing import Any, Final

from keyledger.http.answer.problem import BadRequest
from registry.errors import FieldFault

_MAX_FIELD: Final = 200

# A member and what it is in, up to the body itself; linked, as a copy of the way for each would make deep bodies slow.
_Way = tuple["_Way", object] | None


def parse(body: bytes) -> Any:
    """The body's value. Raises BadRequest, which names the member where one is to blame."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_each_name_once, parse_constant=_no_constant)
    except _DuplicateName as twice:
        raise _refused(twice.name, "the body has a name twice in one object", "is there twice") from None
    except (ValueError, RecursionError):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the body is not JSON in UTF-8") from None
    if not _is_unicode(value):
        field = _lone_surrogate(value)
        raise _refused(field, "the body has a lone surrogate", "must be well-formed Unicode, without lone surrogates")
    return value


def _refused(field: str, detail: str, message: str) -> BadRequest:
    return BadRequest(HTTPStatus.BAD_REQUEST, f"{detail}: {field}", (FieldFault(field, message),))


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _lone_surrogate(body: Any) -> str:
    """Where in the body it is: names with dots between; a name that has one itself shows it escaped."""
    left: list[tuple[_Way, Any]] = [(None, body)]
    while left:
        way, value = left.pop()
        if isinstance(value, str):
            if not _is_unicode(value):
                return _words(way)
        elif isinstance(value, list):
            left.extend(((way, number), one) for number, one in enumerate(value))
        elif isinstance(value, dict):
            for name, one in value.items():
                if not _is_unicode(name):
                    return _words((way, name))
                left.append(((way, name), one))
    return "body"


def _words(way: _Way) -> str:
    parts = []
    while way is not None:
        way, part = way
        parts.append(_shown(part))
    return ".".join(reversed(parts[-10:])) or "body"


def _shown(part: object) -> str:
    return str(part).encode("utf-8", "backslashreplace").decode()[:_MAX_FIELD]


class _DuplicateName(ValueError):
    """A JSON object has a name twice."""

    def __init__(self, name: str) -> None:
        self.name = _shown(name)
        super().__init__("a name is there twice")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(name for name, _ in pairs)
        raise _DuplicateName(next(name for name in times if times[name] > 1))
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)
