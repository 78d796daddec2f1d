"""The headers of requests and answers that every caller may use."""

from __future__ import annotations

from typing import Any, Final

from keyledger.http.answer.answers import POSITION_HEADER
from keyledger.http.audit.export import LOG_ID_HEADER
from keyledger.http.billing.csv_answer import FORMULAS_HEADER, ROUNDING_HEADER
from keyledger.http.billing.usage import AGE_HEADER
from keyledger.http.dependencies import PROTECTED
from keyledger.http.keys.gateway import GATEWAY_HEADER
from keyledger.http.middleware.guard import REQUEST_ID_HEADER
from keyledger.http.request.repeat import KEY_HEADER, REPLAYED_HEADER
from keyledger.http.request.strict_request import MAX_ON_BEHALF_OF
from keyledger.http.request.versions import ETAG_HEADER, IF_MATCH, IF_NONE_MATCH

_POSITION: Final = {"type": "integer", "minimum": 0, "examples": [42], "format": "int64"}

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Position": {
        "description": "The position of the log at which the answer was made.",
        "required": True,
        "schema": _POSITION,
    },
    "PositionIfRead": {
        "description": "The position of the log at which the request was refused, where the log was read for it.",
        "schema": _POSITION,
    },
    "Gateway": {
        "description": "Whether the gateway's table already has the key's new secret: until then a gateway may refuse"
        " it, and remember that. Absent where no gateway is set up.",
        "schema": {"type": "string", "enum": ["ready", "pending"], "examples": ["ready"]},
    },
    "RequestId": {
        "description": "The id of the request, which its line in the registry's log and its events have, too.",
        "required": True,
        "schema": {"type": "string", "examples": ["7d0c4b2f9a6e4d0c8b1f3e5a7c9d2b4e"]},
    },
    "LogId": {
        "description": "The id of the log: another one is another registry.",
        "required": True,
        "schema": {"type": "string", "format": "uuid", "examples": ["0195f8a4-7c1e-7d43-9b0a-2f6c8e1d5a90"]},
    },
    "ETag": {
        "description": "The version of what is shown, for If-Match and If-None-Match.",
        "schema": {"type": "string", "examples": ['"3"']},
    },
    "Rounding": {
        "description": "Of a rounded CSV: for each column of money or currency, the sum of the rounded lines less that"
        " of the exact ones.",
        "schema": {"type": "string", "examples": ["cost_usd=0.0013, EUR=-0.002"]},
    },
    "FormulaValues": {
        "description": "Of a CSV: how many values begin like a formula of a spreadsheet. They are given as they are.",
        "schema": {"type": "integer", "minimum": 0, "examples": [0], "format": "int64"},
    },
    "Age": {
        "description": "How many seconds old the bill is, where `Cache-Control: max-age` of the request allows it.",
        "schema": {"type": "integer", "minimum": 0, "examples": [1], "format": "int64"},
    },
    "Replayed": {
        "description": "The answer is that of the first request with this Idempotency-Key.",
        "schema": {"type": "string", "const": "true", "examples": ["true"]},
    },
    "RetryAfter": {
        "description": "After how many seconds to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 3600, "examples": [1]},
    },
    "Authenticate": {
        "description": "How to say who you are.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer", "examples": ["Bearer"]},
    },
}
PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "OnBehalfOf": {
        "name": "Keyledger-On-Behalf-Of",
        "in": "header",
        "required": False,
        "description": "The person for whom the caller acts: recorded with the event as a claim.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_ON_BEHALF_OF,
            "examples": ["jane@example.com"],
        },
    },
    "IdempotencyKey": {
        "name": KEY_HEADER,
        "in": "header",
        "required": False,
        "description": "A text of the caller's own for this change: who repeats the same request with it in 24 hours"
        " gets the first answer again, the secret too, and nothing is done twice.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[!-~]+$",
            "examples": ["0b9d6f3e-5b1f-4f43-9a58-0f2a1f8f2c11"],
        },
    },
    "IfMatch": {
        "name": IF_MATCH,
        "in": "header",
        "required": False,
        "description": "Change it only if it has this version, or one of these: else 412, and nothing is changed.",
        "schema": {"type": "string", "examples": ['"3"']},
    },
    "IfNoneMatch": {
        "name": IF_NONE_MATCH,
        "in": "header",
        "required": False,
        "description": "Versions of the key that the caller has: 304 if it has one of them still.",
        "schema": {"type": "string", "examples": ['"3"']},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "Of server-sent events: the id of the last one that the caller has. It counts before `after`.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$", "examples": ["42"]},
    },
    "MaxAge": {
        "name": "Cache-Control",
        "in": "header",
        "required": False,
        "description": "`max-age=2`: a bill that was made for the same question in the last two seconds will do.",
        "schema": {"type": "string", "examples": ["max-age=2"]},
    },
}
_OF_STATUS: Final = {
    "401": {"WWW-Authenticate": "Authenticate"},
    "404": {POSITION_HEADER: "PositionIfRead"},
    "409": {POSITION_HEADER: "PositionIfRead"},
    "412": {POSITION_HEADER: "PositionIfRead"},
    "422": {POSITION_HEADER: "PositionIfRead"},
    "429": {"Retry-After": "RetryAfter"},
    "503": {"Retry-After": "RetryAfter", POSITION_HEADER: "PositionIfRead"},
}
_SHOWS_VERSION: Final = {ETAG_HEADER: "ETag"}
_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "showBill": ("MaxAge",),
    "showKey": ("IfNoneMatch",),
    "listEvents": ("LastEventId",),
}
_OF_OPERATION: Final = {
    "createKey": {GATEWAY_HEADER: "Gateway", **_SHOWS_VERSION},
    "editKey": _SHOWS_VERSION,
    "resumeKey": _SHOWS_VERSION,
    "revokeCredential": _SHOWS_VERSION,
    "revokeKey": _SHOWS_VERSION,
    "cancelScheduled": _SHOWS_VERSION,
    "createKeys": {GATEWAY_HEADER: "Gateway"},
    "rotateKey": {GATEWAY_HEADER: "Gateway", **_SHOWS_VERSION},
    "showKey": _SHOWS_VERSION,
    "showTagPolicy": _SHOWS_VERSION,
    "setTagPolicy": _SHOWS_VERSION,
    "suspendKey": _SHOWS_VERSION,
    "showBill": {ROUNDING_HEADER: "Rounding", FORMULAS_HEADER: "FormulaValues", AGE_HEADER: "Age"},
    "exportLog": {LOG_ID_HEADER: "LogId"},
}


def describe(path: str, method: str, operation: dict[str, Any]) -> None:
    """Say which headers an operation takes and answers with."""
    protected = path.startswith(PROTECTED)
    if path.startswith("/admin") and method != "get":
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/OnBehalfOf"})
    repeatable = path.startswith("/admin") and method in {"post", "patch", "delete"}
    if repeatable:
        operation["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
    for name in _ASKED.get(operation["operationId"], ()) + (("IfMatch",) if operation.pop("x-if-match", False) else ()):
        operation.setdefault("parameters", []).append({"$ref": f"#/components/parameters/{name}"})
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            found = {POSITION_HEADER: "Position"} | _OF_OPERATION.get(operation["operationId"], {}) if protected else {}
            found |= {REPLAYED_HEADER: "Replayed"} if repeatable else {}
        else:
            found = _OF_STATUS.get(status, {})
        found = {REQUEST_ID_HEADER: "RequestId"} | found
        answer["headers"] = {name: {"$ref": f"#/components/headers/{one}"} for name, one in found.items()}
