"""The rows of a gateway as a bill counts them: one of an id, those of a period, and what differed.

A *row* is a dict with a member `table` and the gateway's columns (ids as `uuid.UUID`, cost as `Decimal`, None for
NULL, `tags` as a dict). A model row may lack the provider's cache counts, as one of a gateway that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

CACHE_READ, CACHE_WRITE = "provider_cache_read_input_tokens", "provider_cache_write_input_tokens"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def is_v7(number: int) -> bool:
    """Whether an inference id, as a number, says when it was."""
    return number >> 76 & 15 == 7 and number >> 62 & 3 == 2 and number >> 80 < 253_402_300_800_000  # before 10000


def ms_of(number: int) -> int:
    """The millisecond that an inference id says."""
    return number >> 80


class Usage:
    """The deduplicated rows of a period, and those whose inference id has no instant.

    `only`: those of inferences that it takes alone; None is an inference that has model rows only.
    """

    def __init__(
        self, rows: Sequence[Row], since_ms: int, until_ms: int, only: Callable[[Row | None], bool] | None = None
    ) -> None:
        def enters(number: int) -> bool:
            within = not is_v7(number) or since_ms <= ms_of(number) < until_ms
            return within and (only is None or only(winning.get(number)))

        self._now_ms = (datetime.now(UTC) - EPOCH) // timedelta(milliseconds=1)
        inferences: dict[int, list[Row]] = {}
        models: dict[UUID, list[Row]] = {}
        self.batch: set[int] = set()
        for row in rows:
            if row["table"] in ("ChatInference", "JsonInference"):
                inferences.setdefault(row["id"].int, []).append(row)
            elif row["table"] == "ModelInference":
                models.setdefault(row["id"], []).append(row)
            else:
                self.batch.add(row["inference_id"].int)
        winning = {n: max(same, key=_inference_rank) for n, same in inferences.items()}
        self._inferences = {n: row for n, row in winning.items() if enters(n)}
        winners = {i: max(same, key=_model_rank) for i, same in models.items()}
        every = [*inferences, *(row["inference_id"].int for row in winners.values())]
        late = [ms_of(number) for number in every if is_v7(number) and ms_of(number) > self._now_ms]
        self._after_now = late if only is None else []  # it is of everybody
        self._models = [row for row in winners.values() if enters(row["inference_id"].int)]
        self.ids = sorted({*self._inferences, *(row["inference_id"].int for row in self._models)})
        self._conflicts = sum(_differ(inferences[n], _inference_rank) for n in self._inferences)
        self._conflicts += sum(_differ(models[row["id"]], _model_rank) for row in self._models)

    def inference(self, number: int) -> Row | None:
        return self._inferences.get(number)

    def models(self, number: int) -> list[Row]:
        return [row for row in self._models if row["inference_id"].int == number]

    def json(self) -> dict[str, Any]:
        instants = [ms_of(number) for number in self.ids if is_v7(number) and ms_of(number) <= self._now_ms]
        return {
            "rows": len(self._inferences) + len(self._models),
            "seen_until": _instant(max(instants, default=None)),
            "conflicting_duplicates": self._conflicts,
            "after_now": {"rows": len(self._after_now), "latest": _instant(max(self._after_now, default=None))},
        }


def _instant(ms: int | None) -> str | None:
    if ms is None:
        return None
    at = EPOCH + timedelta(milliseconds=ms)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _inference_rank(row: Row) -> Any:
    tags = sorted((name.encode(), value.encode()) for name, value in row["tags"].items())
    return row["function_name"].encode(), tags


def _model_rank(row: Row) -> Any:
    def null_least(value: Any) -> tuple[bool, Any]:
        return value is not None, value or 0

    return (
        row["inference_id"].int,
        row["model_name"].encode(),
        row["model_provider_name"].encode(),
        null_least(row["input_tokens"]),
        null_least(row["output_tokens"]),
        row["cached"],
        null_least(row["cost"]),
        null_least(row.get(CACHE_READ)),
        null_least(row.get(CACHE_WRITE)),
    )


def _differ(same: list[Row], rank: Any) -> bool:
    return any(rank(row) != rank(same[0]) for row in same)
