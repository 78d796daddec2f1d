"""Statements that fill the gateway's tables with rows of some months, in the engine: no row passes through Python."""

from __future__ import annotations

SINCE_MS = 1_735_689_600_000  # 2025-01-01
MONTH_MS = 31 * 86_400_000
KEY = "leftPad(toString({n}), 12, 'K')"


def gateway_rows(
    inferences: int,
    keys: int,
    *,
    skewed: bool = False,
    key: str = KEY,
    since_ms: int = SINCE_MS,
    span_ms: int = MONTH_MS,
) -> list[str]:
    """The inserts: a thousandth of the rows twice, one in 20 cached, one inference in ten with a second model.

    `skewed`: the keys are used by the third power of chance, so that a tenth of them has nearly half of the usage.
    `key`: the SQL of the key numbered `{n}`. The ids are evenly of `span_ms` from `since_ms` on.
    """
    chance = f"toUInt64({keys} * pow(cityHash64(n) / pow(2, 64), 3))" if skewed else f"cityHash64(n) % {keys}"
    credential = key.format(n=chance)
    numbers = f"(SELECT number % {inferences} AS n FROM numbers({inferences + inferences // 1000}))"
    columns = "id, inference_id, model_name, model_provider_name, input_tokens, output_tokens, cached, cost"
    instant = f"{since_ms} + intDiv(n * {span_ms}, {inferences})"
    first = _uuid7(1, instant)
    chats = [
        f"INSERT INTO tensorzero.{table} (id, function_name, episode_id, tags) "
        f"SELECT {first}, concat('function_', toString(n % 7)), generateUUIDv4(), "
        f"map('tensorzero::api_key_public_id', {credential}, 'customer_id', 'claimed', 'session', toString(n)) "
        f"FROM {numbers} WHERE {kind}"
        for table, kind in (("ChatInference", "n % 10 != 0"), ("JsonInference", "n % 10 = 0"))
    ]
    models = (
        f"INSERT INTO tensorzero.ModelInference ({columns}) "
        f"SELECT {_uuid7(2, instant)}, {first}, concat('model_', toString(n % 20)), "
        "concat('provider_', toString(n % 4)), n % 1000, n % 500, n % 20 = 0, toDecimal64(n % 1000 / 1000000, 9) "
        f"FROM {numbers}"
    )
    seconds = (
        f"INSERT INTO tensorzero.ModelInference ({columns}) "
        f"SELECT {_uuid7(3, instant)}, {first}, 'model_20', 'provider_4', 10, 5, false, 0.001 "
        f"FROM {numbers} WHERE n % 10 = 3"
    )
    return [*chats, models, seconds]


def _uuid7(salt: int, instant: str) -> str:
    """SQL of the id of row n at an instant, in ms."""
    high = (
        f"bitOr(bitShiftLeft(toUInt64({instant}), 16), bitOr(toUInt64(28672), bitAnd(cityHash64(n, {salt}, 1), 4095)))"
    )
    low = f"bitOr(bitShiftRight(cityHash64(n, {salt}), 2), bitShiftLeft(toUInt64(1), 63))"
    return f"reinterpretAsUUID(bitOr(bitShiftLeft(toUInt128({low}), 64), toUInt128({high})))"
