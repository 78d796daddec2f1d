"""Fills the gateway's tables from a seed. The same arguments always give the same rows."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from keyledger.demo.gateway_rows.kinds import KINDS, KeyUse, Kind
from keyledger.demo.gateway_rows.rows import GatewayRows


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


def _deck(rng: random.Random, count: int) -> Iterator[Kind]:
    for number in range(count):
        if number % len(KINDS) == 0:
            deck = rng.sample(KINDS, len(KINDS))
        yield deck[number % len(KINDS)]
