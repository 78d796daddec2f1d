"""Anchors of the usage journal: what is checked of them, and how they get into the log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

import msgspec

from registry.auth import SYSTEM
from registry.errors import FieldFault, FieldsRefused
from registry.log.event_log import Caller, EventLog, NewEvent, Write, Written
from registry.usage.days import day_number
from registry.usage.events import UsageAnchored, usage_stream

_SOURCE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_COST: Final = re.compile(r"-?(0|[1-9]\d{0,28})(\.\d{1,9})?", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class UsageAnchors:
    """Appends anchors, as the registry itself: nobody requests them."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def anchor_usage(self, source: str, parts: Sequence[UsageAnchored]) -> Written:
        """Append the parts of one anchor, all in one transaction. The collector's lead must be held.

        A repeat is another anchor, and harmless. Raises FieldsRefused for what is no anchor, and Busy.
        """
        if faults := list(_faults(source, parts)):
            raise FieldsRefused(*faults)
        new = [NewEvent(part) for part in parts]
        return await self._log.write(Write(usage_stream(source), lambda _view: new, Caller(SYSTEM)))


def _faults(source: str, parts: Sequence[UsageAnchored]) -> Iterator[FieldFault]:
    if _SOURCE.fullmatch(source) is None:
        yield FieldFault("source", "must be lower-case letters, digits and _, at most 63")
    if not parts:
        yield FieldFault("parts", "must be at least one")
    for number, part in enumerate(parts, start=1):
        if (part.part, part.parts) != (number, len(parts)):
            yield FieldFault(f"parts.{number}", f"must be numbered {number} of {len(parts)}")
        if (part.journal, part.batch) != (parts[0].journal, parts[0].batch):
            yield FieldFault(f"parts.{number}", "must be of the same journal and batch as the first")
        try:
            # The shape's bounds: a constructor does not check them, a reader does.
            msgspec.convert(msgspec.to_builtins(part), UsageAnchored)
        except msgspec.ValidationError as error:
            yield FieldFault(f"parts.{number}", f"is no part of an anchor: {error}")
        yield from _text_faults(number, part)


def _text_faults(number: int, part: UsageAnchored) -> Iterator[FieldFault]:
    try:
        plain = str(UUID(part.journal)) == part.journal
    except ValueError:
        plain = False
    if not plain:
        yield FieldFault(f"parts.{number}.journal", "must be a UUID in lower case")
    for one in part.days:
        where = f"parts.{number}.days.{one.day}"
        try:
            if one.day is not None:
                day_number(one.day)
        except ValueError as error:
            yield FieldFault(where, str(error))
        if _COST.fullmatch(one.cost_usd) is None:
            yield FieldFault(f"{where}.cost_usd", "must be a plain decimal number of at most 9 decimals")
        if _FINGERPRINT.fullmatch(one.fingerprint) is None:
            yield FieldFault(f"{where}.fingerprint", "must be 32 hexadecimal digits in lower case")
