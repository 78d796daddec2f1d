"""What one bill may take of the engine, and what is said where it took more."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, TypeVar

from projections.engine.client import Settings
from projections.errors import BillLimitReached, ClickHouseError

MAX_LINES: Final = 100_000
_TIMEOUT_EXCEEDED: Final = 159
_MEMORY_LIMIT_EXCEEDED: Final = 241
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BillLimits:
    """What one bill may take: lines, seconds of each statement, and bytes of memory of each statement."""

    lines: int = MAX_LINES
    timeout_s: int = 300
    memory_bytes: int = 8 << 30

    @property
    def of_engine(self) -> Settings:
        """The engine's settings for a statement."""
        return {"max_execution_time": self.timeout_s, "max_memory_usage": self.memory_bytes}

    async def within(self, statement: Awaitable[_T]) -> _T:
        """What a statement answers. Raises BillLimitReached where it took more than it may."""
        try:
            return await statement
        except ClickHouseError as error:
            if error.code == _TIMEOUT_EXCEEDED:
                raise BillLimitReached(f"{self.timeout_s} s", "KEYLEDGER_BILL_TIMEOUT_S") from error
            if error.code == _MEMORY_LIMIT_EXCEEDED:
                raise BillLimitReached(f"{self.memory_bytes >> 20} MiB", "KEYLEDGER_BILL_MEMORY_MIB") from error
            raise
