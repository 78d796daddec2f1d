"""Versions of a key in headers: `ETag` of answers, `If-Match` and `If-None-Match` of requests (RFC 9110, section 13.1).

An entity tag of ours is the number of the key's last event, in quotes. Weak ones are compared as the RFC has it: they
never match for a change, and always for a read.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from fastapi import Request

from keyledger.http.answer.problem import BadRequest

ETAG_HEADER: Final = "ETag"
IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')
_OURS: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def if_match(request: Request) -> frozenset[int] | None:
    """The versions at one of which a key must be to be changed; None where any will do. Raises BadRequest."""
    tags = _tags(request, IF_MATCH)
    if not tags:
        return None
    return frozenset(int(text) for weak, text in tags if not weak and _OURS.fullmatch(text))


def is_known(request: Request, version: int) -> bool:
    """Whether a caller has this version already. Raises BadRequest."""
    tags = _tags(request, IF_NONE_MATCH)
    return tags is not None and (not tags or str(version) in {text for _, text in tags})


def _tags(request: Request, header: str) -> list[tuple[bool, str]] | None:
    """The entity tags of a header, each whether it is weak and its text; empty for `*`, None without the header."""
    given = ",".join(request.headers.getlist(header)).strip()
    if header not in request.headers:
        return None
    if given == "*":
        return []
    found, at = list[tuple[bool, str]](), 0
    while match := _TAG.match(given, at):
        found.append((match[1] is not None, match[2]))
        at = match.end() + 1
        if given[match.end() : at] != ",":
            break
    if not found or at <= len(given):
        message = f'the header {header} must be * or versions in quotes, as ETag gives them: "3"'
        raise BadRequest(HTTPStatus.BAD_REQUEST, message)
    return found
