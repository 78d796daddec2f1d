"""Rows of FOCUS as CSV by RFC 4180. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from keyledger.http.answer.encode import plain
from keyledger.http.billing.focus_rows import COLUMNS
from registry.instant import format_ms


def to_focus_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The header and the rows. An empty field is null."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_field(row[name]) for name in COLUMNS] for row in rows)
    return file.getvalue().encode()


def _field(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    # As FOCUS writes it: whole seconds, but where a question has milliseconds.
    return format_ms(value).replace(".000Z", "Z") if isinstance(value, datetime) else value
