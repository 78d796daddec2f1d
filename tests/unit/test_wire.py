"""Payloads: the golden bytes of each event decode to the value and encode to the same bytes, for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UndecodableEvent
from registry.keys import events
from registry.keys.details import KeyDetails
from registry.keys.events import Event, IssuedCredential
from registry.log import codec
from registry.policy.events import TagPolicySet, TagRule
from registry.prices.events import PriceEnded, PriceSet
from registry.usage.events import MAX_COUNT, AnchoredDay, UsageAnchored
from tests.support.records import record

GOLDEN = Path(__file__).parents[1] / "golden" / "events"
AT = datetime(2026, 3, 1, 12, 30, 15, 250_000, UTC)
EVENTS: dict[str, Event] = {
    "KeyCreated.v1": events.KeyCreated(
        public_id="k3yPubl1cId0",
        tags={"customer_id": "acme", "Größe": "ä€😀", 'a"b\\c/': "</script>"},
        details=KeyDetails('two\nlines\tand "quotes"'),
        expiration=AT,
        credential=IssuedCredential("k3yPubl1cId0", "ab" * 32),
    ),
    "KeyCreated.v1.bare": events.KeyCreated(
        "k3yPubl1cId0", {}, KeyDetails(), None, IssuedCredential("k3yPubl1cId0", "ab" * 32)
    ),
    "TagsChanged.v1": events.TagsChanged({"project_id": "p-7"}, ("customer_id", "env")),
    "KeyDescribed.v1": events.KeyDescribed("production"),
    "KeyDescribed.v1.cleared": events.KeyDescribed(None),
    "ExpirationChanged.v1": events.ExpirationChanged(AT),
    "ExpirationChanged.v1.never": events.ExpirationChanged(None),
    "KeyImported.v1": events.KeyImported(
        public_id="k3yPubl1cId0",
        tags={"customer_id": "acme"},
        details=KeyDetails(),
        expiration=AT,
        revoked_at=None,
        credential=IssuedCredential("k3yPubl1cId0", "ab" * 32),
        source="tensorzero",
    ),
    "KeyImported.v1.revoked": events.KeyImported(
        "k3yPubl1cId0", {}, KeyDetails("old", "o", "w"), None, AT,
        IssuedCredential("k3yPubl1cId0", "ab" * 32), "tensorzero",
    ),
    "KeySuspended.v1": events.KeySuspended(),
    "KeyResumed.v1": events.KeyResumed(),
    "KeyRotated.v1": events.KeyRotated(IssuedCredential("r0tatedPubl1", "cd" * 32), ("k3yPubl1cId0",), AT, False),
    "KeyRotated.v1.compromised": events.KeyRotated(IssuedCredential("r0tatedPubl1", "cd" * 32), (), AT, True),
    "CredentialRevoked.v1": events.CredentialRevoked("k3yPubl1cId0"),
    "KeyRevoked.v1": events.KeyRevoked(),
    "AdminTokenCreated.v1": events.AdminTokenCreated(
        "t0kenPubl1c0", "portal", ("keys:read", "keys:write"), "cd" * 32, None, None
    ),
    "AdminTokenCreated.v2": events.AdminTokenCreated(
        "t0kenPubl1c1", "portal of acme", ("keys:read",), "cd" * 32, datetime(2027, 1, 1, tzinfo=UTC),
        events.Confinement({"customer_id": "acme"}, None, None),
    ),
    "AdminTokenRotated.v1": events.AdminTokenRotated("t0kenPubl1c2", datetime(2026, 3, 2, 12, tzinfo=UTC)),
    "ScheduledChangeCancelled.v1": events.ScheduledChangeCancelled(10),
    "AdminTokenRevoked.v1": events.AdminTokenRevoked(),
    "UsageAnchored.v1": UsageAnchored(
        journal="0195f8a4-7c1e-7d43-9b0a-2f6c8e1d5a90", batch=17, part=1, parts=2,
        days=(
            AnchoredDay("2026-03-01", 3, 2, MAX_COUNT, 40, 5, 0, "12345678901234567890.123456789", "12" * 16),
            AnchoredDay(None, 1, 0, 0, 0, 0, 0, "0", "00" * 15 + "01"),
        ),
    ),
    "PriceSet.v1": PriceSet(
        price_id="llama-gold", model="llama-3.3-70b", provider="vllm", tags={"billing_tier": "gold", "Größe": "ä€"},
        currency="EUR", per_million={"input": "0.15", "output": "0.600000000000000001"}, per_inference="0.002",
        cost_multiplier=None,
    ),
    "PriceSet.v1.margin": PriceSet("any", "*", None, {}, "USD", {}, None, "1.20"),
    "TagPolicySet.v1": TagPolicySet(
        {
            "customer_id": TagRule(True, None, "[a-z0-9-]+", "the id in the CRM"),
            "billing_tier": TagRule(False, ("gold", "silber, für Größe"), None, None),
        },
        closed=True,
    ),
    "PriceEnded.v1": PriceEnded("llama-gold", "llama-3.3-70b", "vllm", {"billing_tier": "gold", "Größe": "ä€"}, "EUR"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_golden_bytes_decode_to_the_event_and_todays_encode_to_the_same_bytes(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes()
    kind, version = name.split(".")[:2]
    assert codec.decode(record(type=kind, schema_version=int(version[1:]), payload=golden)) == EVENTS[name]
    encoded = codec.encode(EVENTS[name])
    if version == f"v{encoded.schema_version}":
        assert (encoded.type, encoded.payload) == (kind, golden)


def test_every_event_in_every_version_has_a_golden_file() -> None:
    files = {".".join(path.name.split(".")[:2]) for path in GOLDEN.glob("*.json")}
    assert {
        f"{kind.__name__}.v{version}" for kind, last in codec.CURRENT.items() for version in range(1, last + 1)
    } == files


@pytest.mark.parametrize(
    ("kind", "version", "payload"),
    [
        ("KeyExploded", 1, b"{}"),
        ("KeyRevoked", 0, b"{}"),
        ("KeyRevoked", 2, b"{}"),
        ("KeyRevoked", 1, b'{"why":"x"}'),
        ("KeyRevoked", 1, b""),
        ("KeyRevoked", 1, b"[]"),
        ("TagsChanged", 1, b'{"set":{"a":1},"remove":[]}'),
        ("TagsChanged", 1, b'{"set":{}}'),
        ("KeyDescribed", 1, b"\xff"),
    ],
)
def test_an_event_that_does_not_decode_is_told_by_position_and_never_quoted(
    kind: str, version: int, payload: bytes
) -> None:
    with pytest.raises(UndecodableEvent, match="position 1 ") as caught:
        codec.decode(record(type=kind, schema_version=version, payload=payload))
    assert "why" not in str(caught.value)


@given(st.dictionaries(st.text(min_size=1), st.text()), st.lists(st.text()))
def test_any_delta_comes_back_from_its_canonical_bytes(tags: dict[str, str], removed: list[str]) -> None:
    event = events.TagsChanged(tags, tuple(removed))
    again = events.TagsChanged(dict(reversed(tags.items())), tuple(removed))
    encoded = codec.encode(event)
    assert encoded.payload == codec.encode(again).payload, "canonical: the order of members does not matter"
    assert codec.decode(record(type="TagsChanged", payload=encoded.payload)) == event


def test_canonical_bytes_are_those_of_rfc_8785() -> None:
    # Section 3.2.3: names sort by their UTF-16 code units, so that U+1F600 stands before U+FB33.
    names = {"\u20ac": "1", "\r": "2", "\ufb33": "3", "1": "4", "\U0001f600": "5", "\u0080": "6", "\u00f6": "7"}
    payload = codec.encode(events.TagsChanged(names, ())).payload.decode()
    assert payload == (
        '{"remove":[],"set":{"\\r":"2","1":"4","\u0080":"6","\u00f6":"7","\u20ac":"1","\U0001f600":"5","\ufb33":"3"}}'
    )


ascii_or_more = st.text(st.characters(max_codepoint=0x7F)) | st.text()


@given(st.dictionaries(ascii_or_more, ascii_or_more), st.lists(ascii_or_more))
def test_canonical_bytes_are_those_of_the_library_whatever_is_in_a_tag(
    tags: dict[str, str], removed: list[str]
) -> None:
    payload = codec.encode(events.TagsChanged(tags, tuple(removed))).payload
    assert payload == rfc8785.dumps({"set": tags, "remove": removed})


def test_every_ascii_character_is_written_as_the_library_writes_it() -> None:
    tags = {chr(code) * 2: chr(code) for code in range(128)}
    assert codec.encode(events.TagsChanged(tags, ())).payload == rfc8785.dumps({"set": tags, "remove": []})


def test_every_number_of_an_event_is_a_count_that_every_reader_has_exactly() -> None:
    """RFC 8785 writes numbers as JavaScript does; the quick way to canonical bytes only whole ones up to 2**53."""
    for kind in codec.CURRENT:
        _assert_counts_alone(msgspec.inspect.type_info(kind))


def _assert_counts_alone(of: object) -> None:
    assert not isinstance(of, msgspec.inspect.FloatType | msgspec.inspect.DecimalType), of
    if isinstance(of, msgspec.inspect.IntType):
        assert (of.ge in {0, 1}, of.le) == (True, MAX_COUNT), of
    for name in ("fields", "types", "item_type", "item_types", "key_type", "value_type", "type"):
        inner = getattr(of, name, ())
        for one in inner if isinstance(inner, tuple) else (inner,):
            _assert_counts_alone(one) if isinstance(one, msgspec.inspect.Type | msgspec.inspect.Field) else None
