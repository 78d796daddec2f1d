"""What is said when a file can't be loaded."""

from __future__ import annotations

import re

from projections.errors import ClickHouseError


class LoadError(Exception):
    """What was asked for can't be done, and nothing was: a file is loaded whole or not at all."""


def engine_words(error: ClickHouseError) -> str:
    """The engine's own words, for the operator whose file or statement it is: they name the column and the row."""
    text = re.sub(r"Code: \d+\. |DB::Exception: |\(version [^)]*\)", "", str(error.__cause__ or error))
    return " ".join(text.split())[:400]


def words_about_a_file(error: ClickHouseError) -> str:
    """The engine's words about a file, up to the row that they name: what follows tells of the engine."""
    text = engine_words(error)
    if "codec can't decode" in text:  # the engine quotes the bytes of the file, and the driver can't read its words
        return "the file is neither UTF-8 nor what its name says: if it is packed, unpack it first"
    found = re.match(r".*?\(at row \d+\)", text)
    return found[0] if found else re.split(r": \(in file/uri| You can specify", text)[0].rstrip(" .")
