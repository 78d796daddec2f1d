"""Statements that fill the gateway's tables with rows of some months, in the engine: no row passes through Python."""

from __future__ import annotations

SINCE_MS = 1_767_225_600_000  # 2026-01-01
MONTH_MS = 31 * 86_400_000
KEY = "leftPad(toString({n}), 12, 'K')"


def gateway_rows(inferences: int, keys: int, *, months: int = 1, skewed: bool = False) -> list[str]:
    """The inserts: a thousandth of the rows twice, one in 20 cached, one inference in ten with a second model.

    `skewed`: the keys are used by the third power of chance, so that a tenth of them has nearly half of the usage.
    """
    chance = f"toUInt64({keys} * pow(cityHash64(n) / pow(2, 64), 3))" if skewed else f"cityHash64(n) % {keys}"
    key = KEY.format(n=chance)
    numbers = f"(SELECT number % {inferences} AS n FROM numbers({inferences + inferences // 1000}))"
    columns = "id, inference_id, model_name, model_provider_name, input_tokens, output_tokens, cached, cost"
    first = uuid7("n", 1, inferences, months)
    chats = [
        f"INSERT INTO tensorzero.{table} (id, function_name, episode_id, tags) "
        f"SELECT {first}, concat('function_', toString(n % 7)), generateUUIDv4(), "
        f"map('tensorzero::api_key_public_id', {key}, 'customer_id', 'claimed', 'session', toString(n)) "
        f"FROM {numbers} WHERE {kind}"
        for table, kind in (("ChatInference", "n % 10 != 0"), ("JsonInference", "n % 10 = 0"))
    ]
    models = (
        f"INSERT INTO tensorzero.ModelInference ({columns}) "
        f"SELECT {uuid7('n', 2, inferences, months)}, {first}, concat('model_', toString(n % 20)), "
        "concat('provider_', toString(n % 4)), n % 1000, n % 500, n % 20 = 0, toDecimal64(n % 1000 / 1000000, 9) "
        f"FROM {numbers}"
    )
    seconds = (
        f"INSERT INTO tensorzero.ModelInference ({columns}) "
        f"SELECT {uuid7('n', 3, inferences, months)}, {first}, 'model_20', 'provider_4', 10, 5, false, 0.001 "
        f"FROM {numbers} WHERE n % 10 = 3"
    )
    return [*chats, models, seconds]


def uuid7(n: str, salt: int, total: int, months: int = 1) -> str:
    """SQL of the id of row n of evenly used months, of 31 days each."""
    high = (
        f"bitOr(bitShiftLeft(toUInt64({SINCE_MS} + intDiv({n} * {MONTH_MS * months}, {total})), 16), "
        f"bitOr(toUInt64(28672), bitAnd(cityHash64({n}, {salt}, 1), 4095)))"
    )
    low = f"bitOr(bitShiftRight(cityHash64({n}, {salt}), 2), bitShiftLeft(toUInt64(1), 63))"
    return f"reinterpretAsUUID(bitOr(bitShiftLeft(toUInt128({low}), 64), toUInt128({high})))"
