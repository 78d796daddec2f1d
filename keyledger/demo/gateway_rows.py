"""Made-up gateway rows in the gateway's exact shapes, for the demo, the tests and the docs.

`GatewayRows` writes one inference or model row at a time; `generate` fills one from a seed with everything that a
gateway's tables hold in practice. The same arguments always give the same rows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

KEY_TAG: Final = "tensorzero::api_key_public_id"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a provider serves it. Prices are dollars a token; None: the gateway knows no price."""

    name: str
    provider: str
    input_price: Decimal | None
    output_price: Decimal | None

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal | None:
        """What the gateway records for an answer of that size, exactly."""
        if self.input_price is None or self.output_price is None:
            return None
        return self.input_price * input_tokens + self.output_price * output_tokens


SMALL: Final = Model("gpt-5-mini", "openai", Decimal("0.000000250"), Decimal("0.000002000"))
LARGE: Final = Model("claude-sonnet-4-5", "anthropic", Decimal("0.000003000"), Decimal("0.000015000"))
FLASH: Final = Model("gemini-2.5-flash", "google_ai_studio_gemini", Decimal("0.000000300"), Decimal("0.000002500"))
SELF_HOSTED: Final = Model("qwen3-32b", "vllm", None, None)
PRICED: Final = (SMALL, LARGE, FLASH)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A credential that uses the gateway from `since_ms` on, and until its end at `until_ms` when it has one."""

    credential_id: str
    since_ms: int
    until_ms: int | None = None


def uuid7(at_ms: int, rng: random.Random) -> UUID:
    """A version 7 UUID of the instant."""
    value = at_ms << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return UUID(int=value)


@dataclass(slots=True)
class GatewayRows:
    """Rows by table, as the gateway would insert them; instants in milliseconds since 1970."""

    rng: random.Random
    tables: dict[str, list[Row]] = field(
        default_factory=lambda: {
            "ChatInference": [],
            "JsonInference": [],
            "ModelInference": [],
            "BatchIdByInferenceId": [],
        }
    )

    def chat(
        self,
        at_ms: int,
        credential_id: str | None,
        claims: Mapping[str, str] | None = None,
        *,
        inference_id: UUID | None = None,
    ) -> UUID:
        """A chat inference that began at the instant; its id."""
        row = self._inference(inference_id or uuid7(at_ms, self.rng), "answer_question", credential_id, claims)
        row |= {
            "tool_params": "",
            "dynamic_tools": [],
            "dynamic_provider_tools": [],
            "allowed_tools": None,
            "tool_choice": None,
            "parallel_tool_calls": None,
        }
        self.tables["ChatInference"].append(row)
        return UUID(row["id"])

    def json(self, at_ms: int, credential_id: str | None, claims: Mapping[str, str] | None = None) -> UUID:
        """A JSON inference that began at the instant; its id."""
        row = self._inference(uuid7(at_ms, self.rng), "extract_invoice", credential_id, claims)
        row |= {"output_schema": '{"type":"object"}', "auxiliary_content": "[]"}
        self.tables["JsonInference"].append(row)
        return UUID(row["id"])

    def model(
        self,
        inference_id: UUID,
        written_ms: int,
        model: Model,
        input_tokens: int,
        output_tokens: int,
        *,
        cached: bool = False,
    ) -> Row:
        """A model row of an inference, written at the instant. A cached one cost nothing."""
        cost = Decimal(0) if cached else model.cost(input_tokens, output_tokens)
        row = {
            "id": str(uuid7(written_ms, self.rng)),
            "inference_id": str(inference_id),
            "raw_request": "{}",
            "raw_response": "{}",
            "model_name": model.name,
            "model_provider_name": model.provider,
            "input_tokens": input_tokens or None,  # the gateway stores no tokens as NULL
            "output_tokens": output_tokens or None,
            "response_time_ms": None if cached else self.rng.randrange(80, 4000),
            "ttft_ms": None,
            "system": None,
            "input_messages": "[]",
            "output": "[]",
            "cached": cached,
            "finish_reason": "stop",
            "snapshot_hash": None,
            "cost": None if cost is None else f"{cost:.9f}",
            "provider_cache_read_input_tokens": None,
            "provider_cache_write_input_tokens": None,
            "function_name": "",
            "variant_name": "",
        }
        self.tables["ModelInference"].append(row)
        return row

    def batch(self, inference_id: UUID, at_ms: int) -> None:
        """Mark an inference as one of a batch request."""
        row = {"inference_id": str(inference_id), "batch_id": str(uuid7(at_ms, self.rng))}
        self.tables["BatchIdByInferenceId"].append(row)

    def write(self, folder: Path) -> dict[str, Path]:
        """Write a `.jsonl` file for each table into the folder; the files by table."""
        files = {table: folder / f"{table}.jsonl" for table in self.tables}
        for table, file in files.items():
            lines = (json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in self.tables[table])
            file.write_text("".join(lines), encoding="utf-8")
        return files

    def _inference(
        self, inference_id: UUID, function: str, credential_id: str | None, claims: Mapping[str, str] | None
    ) -> Row:
        key_tag = {} if credential_id is None else {KEY_TAG: credential_id}
        return {
            "id": str(inference_id),
            "function_name": function,
            "variant_name": "baseline",
            "episode_id": str(uuid7(inference_id.int >> 80, self.rng)),
            "input": "{}",
            "output": "[]",
            "inference_params": "{}",
            "processing_time_ms": self.rng.randrange(100, 5000),
            "tags": {**(claims or {}), **key_tag},
            "extra_body": None,
            "ttft_ms": None,
            "snapshot_hash": None,
        }


def generate(seed: int, keys: Sequence[KeyUse], since_ms: int, until_ms: int, inferences: int) -> GatewayRows:
    """`inferences` cases within the period, spread over the keys. Any 40 in a row hold every kind there is.

    A key is used while it lives; some of those that end are used for one more second, as a gateway's cache allows.
    """
    rows = GatewayRows(random.Random(seed))  # noqa: S311 - made-up data, the same for the same seed
    for kind in _deck(rows.rng, inferences):
        key = rows.rng.choice(keys)
        first, end = max(since_ms, key.since_ms), min(until_ms, key.until_ms or until_ms)
        at_ms = rows.rng.randrange(first, max(end, first + 1))
        kind(rows, key, at_ms)
    return rows


def _plain(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    _answer(rows, _ask(rows, key.credential_id, at_ms), at_ms, rows.rng.choice(PRICED))


def _two_models(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    inference = _ask(rows, key.credential_id, at_ms)
    for model in rows.rng.sample(PRICED, 2):
        _answer(rows, inference, at_ms, model)


def _cached(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    _answer(rows, _ask(rows, key.credential_id, at_ms), at_ms, SMALL, cached=True)


def _unpriced(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    _answer(rows, _ask(rows, key.credential_id, at_ms), at_ms, SELF_HOSTED)


def _without_model_rows(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    _ask(rows, key.credential_id, at_ms)


def _without_inference(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:  # noqa: ARG001 - a kind has this shape
    _answer(rows, uuid7(at_ms, rows.rng), at_ms, rows.rng.choice(PRICED))


def _unkeyed(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:  # noqa: ARG001 - a kind has this shape
    _answer(rows, _ask(rows, None, at_ms), at_ms, rows.rng.choice(PRICED))


def _unknown_key(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:  # noqa: ARG001 - a kind has this shape
    _answer(rows, _ask(rows, "Nobodys0Key0", at_ms), at_ms, FLASH)


def _bad_id(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    version_4 = UUID(int=rows.rng.getrandbits(128), version=4)
    _answer(rows, rows.chat(at_ms, key.credential_id, inference_id=version_4), at_ms, FLASH)


def _inserted_twice(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    rows.chat(at_ms, key.credential_id)
    inference_row = rows.tables["ChatInference"][-1]
    model_row = _answer(rows, UUID(inference_row["id"]), at_ms, LARGE)
    rows.tables["ChatInference"].append(dict(inference_row))
    rows.tables["ModelInference"].append(dict(model_row))


def _batch(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    inference = _ask(rows, key.credential_id, at_ms)
    rows.batch(inference, at_ms)
    _answer(rows, inference, at_ms, LARGE, after_ms=6 * 3_600_000)


def _written_late(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    _answer(rows, _ask(rows, key.credential_id, at_ms), at_ms, SMALL, after_ms=3 * 3_600_000)


def _after_the_end(rows: GatewayRows, key: KeyUse, at_ms: int) -> None:
    if key.until_ms is not None:
        at_ms = key.until_ms + rows.rng.randrange(1000)
    _plain(rows, key, at_ms)


Kind = Callable[[GatewayRows, KeyUse, int], None]
_KINDS: Final[tuple[Kind, ...]] = (
    *(_plain,) * 22,
    *(_two_models,) * 3,
    *(_cached,) * 3,
    *(_unpriced,) * 2,
    *(_after_the_end,) * 2,
    _without_model_rows,
    _without_inference,
    _unkeyed,
    _unknown_key,
    _bad_id,
    _inserted_twice,
    _batch,
    _written_late,
)


def _deck(rng: random.Random, count: int) -> Iterator[Kind]:
    for number in range(count):
        if number % len(_KINDS) == 0:
            deck = rng.sample(_KINDS, len(_KINDS))
        yield deck[number % len(_KINDS)]


def _ask(rows: GatewayRows, credential_id: str | None, at_ms: int) -> UUID:
    """An inference of either function. Some clients send tags, and some of these claim another customer's name."""
    claims = rows.rng.choice(({}, {}, {"channel": "web"}, {"customer_id": "claimed-by-client"}))
    write = rows.json if rows.rng.random() < 0.3 else rows.chat
    return write(at_ms, credential_id, claims)


def _answer(
    rows: GatewayRows, inference: UUID, at_ms: int, model: Model, *, cached: bool = False, after_ms: int = 2000
) -> Row:
    tokens = rows.rng.randrange(50, 6000), rows.rng.randrange(0, 1500)
    return rows.model(inference, at_ms + after_ms, model, *tokens, cached=cached)
