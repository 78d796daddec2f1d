"""A mapping as JSON: `{public_id: {tag: value}}`. Pure.

The outer object is walked member by member, because a parser of the complete text would report neither lines nor
duplicate names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from gateways.tensorzero.importing.mapping import MappingRefused, TagMapping

_BLANKS: Final = " \t\r\n"


class _Members(list[tuple[str, Any]]):
    """An object's members as written, including duplicates."""


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Members)


def read_json(text: str, mapping: TagMapping) -> None:
    """Add the members to the mapping, with faults by the line of their key's name. Raises MappingRefused."""
    for line, public_id, value in _Walk(text).members():
        if isinstance(value, _Members):
            mapping.add(line, public_id, value)
        else:
            mapping.refuse(line, "tags", "must be an object of names and values", public_id)


class _Walk:
    """A place in the text, and its line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = self._counted = 0
        self._line = 1

    def members(self) -> Iterator[tuple[int, str, Any]]:
        """The outer object's members: line, name, value."""
        try:
            yield from self._members()
        except (ValueError, RecursionError) as error:  # what the parser raises for text that is not JSON
            raise MappingRefused(f"is not a JSON object of keys: see line {self._here()}") from error

    def _members(self) -> Iterator[tuple[int, str, Any]]:
        self._expect("{")
        if self._peek() == "}":
            self._expect("}")
        else:
            yield self._member()
            while self._peek() == ",":
                self._expect(",")
                yield self._member()
            self._expect("}")
        if self._peek():
            raise ValueError("more than one value")

    def _member(self) -> tuple[int, str, Any]:
        if self._peek() != '"':
            raise ValueError("no name")
        line = self._here()
        name, self._at = _DECODER.raw_decode(self._text, self._at)
        self._expect(":")
        self._peek()
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        return line, name, value

    def _peek(self) -> str:
        """Skip blanks and return the character there, without consuming it; empty at the end."""
        while self._at < len(self._text) and self._text[self._at] in _BLANKS:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _expect(self, char: str) -> None:
        if self._peek() != char:
            raise ValueError(f"no {char}")
        self._at += 1

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line
