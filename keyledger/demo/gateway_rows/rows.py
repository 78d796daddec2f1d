"""Writes one inference or model row at a time, in the gateway's exact shapes."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from keyledger.demo.gateway_rows.models import Model

KEY_TAG: Final = "tensorzero::api_key_public_id"
Row = dict[str, Any]


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
