"""Every kind of inference that a gateway's tables hold in practice, as often as `KINDS` has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from keyledger.demo.gateway_rows.models import FLASH, LARGE, PRICED, SELF_HOSTED, SMALL, Model
from keyledger.demo.gateway_rows.rows import GatewayRows, Row, uuid7


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A credential that uses the gateway from `since_ms` on, and until its end at `until_ms` when it has one."""

    credential_id: str
    since_ms: int
    until_ms: int | None = None


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
KINDS: Final[tuple[Kind, ...]] = (
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
