"""What a proxy is answered: a status to go by, and headers that say whose key it is. Pure.

Header values are printable ASCII alone, so that no proxy changes them and no tag can add a header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.problem import problem
from registry.verify.verdict import Verdict

CODE_HEADER: Final = "Keyledger-Code"
# More than this the tags don't take in their header; proxies have limits of 4 KiB and up for all of a head.
MAX_TAGS_BYTES: Final = 8192
_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
_DETAILS: Final[Mapping[str, str]] = {
    "missing": "An API key is needed: Authorization: Bearer <API key>.",
    "malformed": "What was shown is not one API key.",
    "not_found": "There is no such API key.",
    "revoked": "The API key was revoked.",
    "suspended": "The API key is suspended.",
    "expired": "The API key has expired.",
}
_UNKNOWN: Final = frozenset({"missing", "malformed", "not_found"})


def answer_to(verdict: Verdict) -> Response:
    """200 with whose key it is, 401 or 403."""
    if verdict.code != "valid":
        return refusal(verdict.code, position_headers(verdict.position))
    return Response(status_code=HTTPStatus.OK, headers=_headers_of(verdict))


def refusal(code: str, headers: Mapping[str, str] | None = None) -> Response:
    """401 for a key that is not known or not there, 403 for one that does not work now."""
    headers = {CODE_HEADER: code, "Cache-Control": "no-store", **(headers or {})}
    if code not in _UNKNOWN:
        return problem(HTTPStatus.FORBIDDEN, _DETAILS[code], headers=headers)
    return problem(HTTPStatus.UNAUTHORIZED, _DETAILS[code], headers={**headers, "WWW-Authenticate": "Bearer"})


def label_value(text: str) -> str:
    """The name of an organization or a workspace: all but visible ASCII percent-encoded, and so is `%`."""
    return quote(text, safe=_SAFE)


def tags_value(tags: Mapping[str, str]) -> str:
    """Tags as a JSON object in ASCII, in the order of their names. Empty, which is no JSON, where that is too long."""
    text = json.dumps(tags, sort_keys=True, separators=(",", ":")).replace("\x7f", "\\u007f")
    return text if len(text) <= MAX_TAGS_BYTES else ""


def _headers_of(verdict: Verdict) -> dict[str, str]:
    key, credential = verdict.key, verdict.credential
    assert key is not None  # noqa: S101 - for the type checker: a valid key is known
    assert credential is not None  # noqa: S101 - as above
    return {
        CODE_HEADER: verdict.code,
        "Keyledger-Public-Id": key.public_id,
        "Keyledger-Credential-Id": credential.credential_id,
        "Keyledger-Organization": label_value(key.details.organization),
        "Keyledger-Workspace": label_value(key.details.workspace),
        "Keyledger-Tags": tags_value(verdict.tags or {}),
        **position_headers(verdict.position),
    }
