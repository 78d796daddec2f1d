"""What has to be known of a statement before the engine reads it: format, inline data, and that it is only one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.clickhouse_http.errors import ServerError

_INSERT = re.compile(rb"\s*INSERT\s+INTO\s.*?\bFORMAT\s+(\w+)[ \t\f\r]*\n?", re.IGNORECASE | re.DOTALL)
_SETTINGS = re.compile(r"\bSETTINGS\s.*\Z", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^)]*)?;?\s*\Z", re.IGNORECASE)
_OWN_STATE = re.compile(r"\s*(?:SET|USE|CREATE\s+TEMPORARY)\s", re.IGNORECASE)
_ROWS = re.compile(r"[\s(]*(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK)\b", re.IGNORECASE)
_SUBSTITUTION = re.compile(r"\{\s*(\w+)\s*:")
_CREATES = re.compile(r"\s*(?:CREATE|ATTACH)\s", re.IGNORECASE)
# Texts, quoted names, heredocs and comments: in them a semicolon ends nothing.
_OPAQUE = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
_DELETED_ASYNC = re.compile(r"\b(?:wait_for_)?async_insert\w*\s*=\s*\w+\s*,?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows come with it."""

    head: str
    settings: str
    format: str
    data: bytes


def insert_of(text: bytes) -> Insert | None:
    """The INSERT with inline data of a named format that the text is, if it is one. VALUES is the engine's to read."""
    found = _INSERT.match(text)
    if found is None:
        return None
    format_ = found.group(1).decode()
    head = text[: found.start(1)].decode().rstrip()
    head = re.sub(r"\bFORMAT\Z", "", head, flags=re.IGNORECASE).rstrip()
    settings = _SETTINGS.search(head)
    if settings is None:
        return Insert(head, "", format_, text[found.end() :])
    # One that is to be batched with others is written at once: the engine in a process has nobody to wait for.
    kept = _DELETED_ASYNC.sub("", settings.group()).rstrip(" ,\n")
    return Insert(head[: settings.start()], "" if kept.upper() == "SETTINGS" else kept, format_, text[found.end() :])


def only_one(statement: str) -> str:
    """The statement without a final semicolon. Raises ServerError (62) for several, which HTTP does not take."""
    bare = _OPAQUE.sub(lambda match: " " * len(match.group()), statement)
    first, semicolon, rest = bare.partition(";")
    if rest.strip():
        raise ServerError(62, "Syntax error (Multi-statements are not allowed): failed (SYNTAX_ERROR)")
    return statement[: len(first)] if semicolon else statement


def format_of(statement: str, default: str) -> str | None:
    """The format of the statement's rows: the one it names at its end, else the default; None where it has no rows."""
    if _ROWS.match(_OPAQUE.sub(" ", statement[:1000])) is None:
        return None
    found = _FORMAT.search(statement)
    return found.group(1) if found else default


def changes_the_connection(statement: str) -> bool:
    """Whether what it does is meant to last for the session."""
    return _OWN_STATE.match(statement) is not None


def substitutions(statement: str) -> frozenset[str]:
    """The names of the parameters that it must be given. Those of a view's definition are the view's own."""
    return frozenset() if _CREATES.match(statement) else frozenset(_SUBSTITUTION.findall(statement))


def quoted(text: str) -> str:
    """A text literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
