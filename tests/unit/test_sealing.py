"""Kept answers are found and opened by their caller's keys alone."""

from __future__ import annotations

from uuid import UUID

import pytest

from registry.repeats.sealing import Unreadable, repeat_keys

LOG, SECRET = UUID(int=7), "s" * 48


def test_what_is_sealed_is_opened_by_the_same_keys_alone() -> None:
    keys = repeat_keys(LOG, SECRET, "a")
    digest = keys.digest([b"POST", b"/admin/api-keys"])
    sealed = keys.seal(b"the answer", digest)
    assert repeat_keys(LOG, SECRET, "a").open(sealed, digest) == b"the answer"
    assert keys.seal(b"the answer", digest) != sealed, "no nonce is used twice"
    others = [repeat_keys(LOG, SECRET, "b"), repeat_keys(LOG, "t" * 48, "a"), repeat_keys(UUID(int=8), SECRET, "a")]
    assert len({keys.id, *(other.id for other in others)}) == 4
    for other in others:
        with pytest.raises(Unreadable):
            other.open(sealed, digest)
    for wrong in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", sealed[:12]):
        with pytest.raises(Unreadable):
            keys.open(wrong, digest)
    with pytest.raises(Unreadable):
        keys.open(sealed, keys.digest([b"POST", b"/admin/prices"]))


def test_a_digest_tells_requests_apart_and_is_another_under_another_key() -> None:
    keys = repeat_keys(LOG, SECRET, "a")
    parts = [[b"a", b"b"], [b"ab", b""], [b"", b"ab"], [b"a", b"", b"b"], [b"b", b"a"]]
    assert len({keys.digest(one) for one in parts}) == len(parts)
    assert keys.digest([b"a"]) != repeat_keys(LOG, SECRET, "b").digest([b"a"])


def test_nothing_of_the_keys_is_shown() -> None:
    keys = repeat_keys(LOG, SECRET, "a")
    assert repr(keys) == f"RepeatKeys(id={keys.id!r})"
