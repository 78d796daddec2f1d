"""A statement that a person wrote: one, by the engine's own parser, and the FORMAT that it asks for."""

from __future__ import annotations

import re
from typing import Final

from projections.engine.client import ClickHouse
from projections.errors import SeveralStatements

_PARSED: Final = "SELECT formatQuery({statement:String})"
# What the parser makes of a statement has its clauses on lines of their own, and no other line break in a text.
_FORMAT: Final = re.compile(r"\nFORMAT \w+(\nSETTINGS [^\n]*)?\Z")
# The rows of VALUES are no part of what is parsed.
_VALUES: Final = re.compile(r"\AINSERT INTO .* FORMAT Values\Z", re.DOTALL)
# Texts, names, comments and heredocs, in which a semicolon separates nothing.
_QUOTED: Final = re.compile(
    r"""'(?:\\.|''|[^'\\])*' | "(?:\\.|""|[^"\\])*" | `(?:\\.|``|[^`\\])*`
    | --[^\n]* | \#[^\n]* | /\*.*?\*/ | (\$\w*\$).*?\1""",
    re.DOTALL | re.VERBOSE,
)
_ANOTHER: Final = re.compile(r";[\s;]*[^\s;]")


async def names_format(clickhouse: ClickHouse, statement: str) -> bool:
    """Whether the one statement names a FORMAT, in which its result is then given.

    Raises SeveralStatements, and ClickHouseRefused for what does not parse.
    """
    ((parsed,),) = await clickhouse.query(_PARSED, {"statement": statement})
    if _VALUES.match(parsed) and _ANOTHER.search(_QUOTED.sub(" ", statement)):
        raise SeveralStatements
    return _FORMAT.search(parsed) is not None
