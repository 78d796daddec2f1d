"""What this process has written into an embedded engine, by table: nothing else writes into it.

So an answer that was read before stays right until one of its tables is written to. On a server, others write too.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import Final

from projections.engine.of_engine import OfEngine

_INSERT: Final = re.compile(r"(?:\s|--[^\n]*\n)*INSERT\s+INTO\s+(?:TABLE\s+)?([\w.]+)", re.IGNORECASE)
_READ: Final = re.compile(r"(?:\s|--[^\n]*\n)*(?:SELECT|WITH|SHOW|DESCRIBE|EXPLAIN)\b", re.IGNORECASE)
_ANY: Final = "any table"


class Written:
    """How often each table of an engine may have been written to. Safe for use by several threads."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()

    def times(self, *tables: str) -> int:
        """A number that grows whenever one of the tables, as `database.table`, may have been written to."""
        with self._lock:
            return self._times[_ANY] + sum(self._times[table] for table in tables)

    def add(self, table: str) -> None:
        """A table may have been written to."""
        with self._lock:
            self._times[table] += 1

    def add_statement(self, sql: str) -> None:
        """What a statement names may have been written to; any table where that is not known."""
        if ";" in sql.rstrip("; \n"):  # perhaps several
            self.add(_ANY)
        elif (insert := _INSERT.match(sql)) is not None:
            self.add(insert[1])
        elif _READ.match(sql) is None:
            self.add(_ANY)


written_of: Final = OfEngine(Written)
