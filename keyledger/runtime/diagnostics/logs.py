"""Where the log of a command goes, how much of the libraries is in it, and how often it repeats itself."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keyledger.runtime.diagnostics.log_lines import LogFormat, fields_of, lines

EVERY_S: Final = 60.0
_KEPT: Final = 1000  # kinds of lines that are remembered; beyond that, the oldest is forgotten
_OURS: Final = ("keyledger", "audit", "gateways", "projections", "registry")
# Drivers and frameworks may quote values below WARNING.
QUIET: Final = ("asyncpg", "sqlalchemy", "uvicorn", "httpx", "httpcore", "alembic", "asyncio")


def configure_logging(level: str, log_format: LogFormat = "text") -> None:
    """Log to stderr from this level on."""
    logging.basicConfig(level=level, stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.addFilter(HoldBackRepeats())
        handler.setFormatter(lines(log_format))
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # They log each attempt to reach a server that is away, and we log the outcome.
    for name in ("aiokafka", "urllib3", "clickhouse_connect"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@dataclass(slots=True)
class _Kind:
    """Lines of one kind: until when they are held back, and how many were."""

    until: float
    held: int = 0


class HoldBackRepeats(logging.Filter):
    """Lets one warning or error of a kind through in `every_s`, with the number of those held back before it.

    What can fail thousands of times a second, such as writes to a caller that has left, must not fill the disk. Two
    lines of ours are of one kind if they are equal; of a library, if one statement logs both, as it quotes ids. What
    has fields is an event of its own, such as a request.
    """

    def __init__(self, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._every_s = every_s
        self._clock = clock
        self._kinds: dict[tuple[str, ...], _Kind] = {}
        self._lock = threading.Lock()  # a handler filters before it takes its own

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged."""
        if record.levelno < logging.WARNING or fields_of(record):
            return True
        with self._lock:
            held = self._held_before(_kind_of(record))
        if held:
            # Behind the template, so that its arguments stay where they are.
            record.msg = f"{record.msg} (and {held} like it since the last one)"
        return held is not None

    def _held_before(self, name: tuple[str, ...]) -> int | None:
        """How many were held back since the last one; None if this one is, too."""
        now, kind = self._clock(), self._kinds.pop(name, None)
        if kind is not None and now < kind.until:
            kind.held += 1
            self._kinds[name] = kind
            return None
        if len(self._kinds) >= _KEPT:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[name] = _Kind(now + self._every_s)
        return kind.held if kind is not None else 0


def _kind_of(record: logging.LogRecord) -> tuple[str, ...]:
    ours = record.name.partition(".")[0] in _OURS
    return (record.name, str(record.msg), str(record.args)) if ours else (record.name, str(record.lineno))
