"""A brute-force oracle of late use and of claims that contradict a key: loops over milliseconds, with no SQL."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.oracle.oracle import (
    KEY_TAG,
    Fact,
    Row,
    _bucket,
    _effect_order,
    _key_of,
    _tags_at,
    known_facts,
)
from tests.support.oracle.rows import Usage, ms_of

REASONS = ("revoked", "suspended", "expired", "credential_revoked", "credential_expired")
EVER = (0, 2**63 - 1)
Late = tuple[int, int, str, str, int, str, int]
Conflict = tuple[int, int, str, str, str, str | None]


def oracle_late_use(facts: Sequence[Fact], rows: Sequence[Row], known_at: int) -> list[Late]:
    """(inference, at_ms, public_id, credential_id, ended_ms, reason, delay_ms), sorted: ids as numbers."""
    known = sorted((fact for fact in facts if fact.position <= known_at), key=_effect_order)
    usage = Usage(rows, *EVER)
    late: list[Late] = []
    for number in usage.ids:
        inference = usage.inference(number)
        if inference is None or _bucket(number, inference, usage, known) != "outside_key_life":
            continue
        credential_id, at_ms = inference["tags"][KEY_TAG], ms_of(number)
        key = _key_of(known, credential_id)
        if not _created(known, key, credential_id, at_ms):
            continue
        ends = {reason: _began(known, key, credential_id, reason, at_ms) for reason in REASONS}
        began = {reason: ended_ms for reason, ended_ms in ends.items() if ended_ms is not None}
        reason = min(began, key=began.__getitem__)  # of those that began at once, the first
        ended_ms = began[reason]
        late.append((number, at_ms, key, credential_id, ended_ms, reason, at_ms - ended_ms))
    return late


def oracle_tag_conflicts(facts: Sequence[Fact], rows: Sequence[Row], known_at: int) -> list[Conflict]:
    """(inference, at_ms, public_id, tag, claimed, actual), sorted: ids as numbers."""
    known = known_facts(facts, known_at)
    bound = {fact.tag for fact in known if fact.kind == "tag" and fact.value is not None}
    usage = Usage(rows, *EVER)
    found: list[Conflict] = []
    for number in usage.ids:
        inference = usage.inference(number)
        if inference is None or _bucket(number, inference, usage, known) not in {"keyed", "outside_key_life"}:
            continue
        key = _key_of(known, inference["tags"][KEY_TAG])
        tags = _tags_at(known, key, ms_of(number))
        for tag, claimed in inference["tags"].items():
            if tag in bound and claimed != tags.get(tag):
                found.append((number, ms_of(number), key, tag, claimed, tags.get(tag)))
    return sorted(found, key=lambda one: one[:4])


def _created(known: list[Fact], key: str, credential_id: str, at_ms: int) -> bool:
    so_far = [fact for fact in known if fact.effective_ms <= at_ms]
    return any(fact.kind == "key_created" and fact.public_id == key for fact in so_far) and any(
        fact.kind == "credential_created" and fact.credential_id == credential_id for fact in so_far
    )


def _began(known: list[Fact], key: str, credential_id: str, reason: str, at_ms: int) -> int | None:
    """The millisecond since which it has been so without a break; None when it is not so."""
    if not _ended(known, key, credential_id, reason, at_ms):
        return None
    while _ended(known, key, credential_id, reason, at_ms - 1):
        at_ms -= 1
    return at_ms


def _ended(known: list[Fact], key: str, credential_id: str, reason: str, at_ms: int) -> bool:
    of = "credential" if reason.startswith("credential_") else "key"
    owned = [
        fact
        for fact in known
        if fact.effective_ms <= at_ms and (fact.credential_id == credential_id if of == "credential" else True)
        if fact.public_id == key
    ]
    if reason.endswith("revoked"):
        return any(fact.kind == f"{of}_revoked" for fact in owned)
    if reason == "suspended":
        held = [fact.kind for fact in owned if fact.kind in {"suspended", "resumed"}]
        return held[-1:] == ["suspended"]
    limits = [fact.expires_ms for fact in owned if fact.kind in {f"{of}_created", f"{of}_expiration"}]
    return bool(limits) and limits[-1] is not None and limits[-1] <= at_ms
