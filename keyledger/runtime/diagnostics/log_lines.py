"""What a line of the log looks like: one line an event, whatever it says, as text for people or as JSON for programs.

An exception that a library logs is one line, too: what it was and why, without its traceback.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final, Literal

from keyledger.runtime.diagnostics.causes import causes

LogFormat = Literal["text", "json"]
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TextLines(logging.Formatter):
    """`time level logger: message`; whatever would end the line, or drive a terminal, is escaped."""

    def __init__(self) -> None:
        super().__init__(_TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        record.message, record.asctime = _message(record), self.formatTime(record)
        return "".join(char if char.isprintable() else _escaped(char) for char in self.formatMessage(record))


class JsonLines(logging.Formatter):
    """An object of ASCII alone, with the fields of the event where it has some."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **fields_of(record),
        }
        return json.dumps(line, default=str)


def lines(log_format: LogFormat) -> logging.Formatter:
    """What makes the lines of this format."""
    return JsonLines() if log_format == "json" else TextLines()


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the event says besides its message: `extra={"fields": …}` of the call that logged it."""
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage().strip()
    error = record.exc_info[1] if record.exc_info else None
    return message if error is None else f"{message}: {causes(error)}"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
