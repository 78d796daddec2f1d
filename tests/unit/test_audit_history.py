"""History: each event told against what was known of its own instant just before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from audit.history.fields import fields_of
from audit.history.history import Entry, History, written
from keyledger.http.answer.encode import encode
from registry.keys.commands import EditKey, RevokeKey, edit, revoke
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential, KeyImported
from registry.keys.lifecycle import (
    RevokeCredential,
    RotateKey,
    resume,
    revoke_credential,
    rotate,
    suspend,
)
from registry.keys.state import fold
from registry.log import codec
from registry.log.event_log import NewEvent, RecordedEvent, StreamView
from registry.tokens import commands as token
from tests.support.golden_log import golden_log
from tests.support.key_streams import CREDENTIAL, HOUR, key, patch
from tests.support.records import MS, NOON, Stream

NAMES = {"token-t0kenPubl1c0": "portal"}


def entries(stream: Stream) -> list[Entry]:
    """All events of a stream, as a person reads them."""
    history = History(NAMES)
    return [history.entry(recorded) for recorded in stream.history]


def changes(stream: Stream) -> list[list[tuple[str, Any, Any, Any]]]:
    """The changes of each event, as rows."""
    return [[tuple(one.values()) for one in encode(entry)["changes"]] for entry in entries(stream)]


def test_a_creation_tells_every_field_that_it_gave_and_nothing_that_it_left_out() -> None:
    assert changes(key(HOUR, customer_id="acme", billing_tier="gold")) == [
        [
            ("tags.billing_tier", None, "gold", None),
            ("tags.customer_id", None, "acme", None),
            ("description", None, "the portal", None),
            ("organization", None, "default", None),
            ("workspace", None, "default", None),
            ("expiration", None, "2026-03-01T13:00:00.000Z", None),
            ("credentials.k3yPubl1cId0", None, "active", None),
            ("status", None, "active", None),
        ]
    ]


def test_a_key_that_was_imported_with_its_end_tells_until_when_it_was_active() -> None:
    stream, end = Stream(), NOON + HOUR
    event = KeyImported("k3yPubl1cId0", {"a": "1"}, KeyDetails(), None, end, CREDENTIAL, "tensorzero")
    stream.append([NewEvent(event, NOON)], NOON + 5 * HOUR)
    patch(stream, 6 * HOUR, timedelta(0), a="2")
    ended = "2026-03-01T13:00:00.000Z"
    assert changes(stream) == [
        [
            ("tags.a", None, "1", None),
            ("source", None, "tensorzero", None),
            ("organization", None, "default", None),
            ("workspace", None, "default", None),
            ("revoked_at", None, ended, None),
            ("credentials.k3yPubl1cId0", None, "active", None),
            ("status", None, "active", ended),
        ],
        [("tags.a", "1", "2", None)],
    ]


def test_an_edit_is_told_from_what_counted_before_it_to_what_counts_after_it() -> None:
    stream = key(customer_id="acme", env="prod")
    patch(stream, HOUR, customer_id="globex", env=None)
    assert changes(stream)[1] == [("tags.customer_id", "acme", "globex", None), ("tags.env", "prod", None, None)]


def test_a_correction_of_the_past_is_told_against_the_past_and_says_until_when_it_counts() -> None:
    stream = key(customer_id="acme")
    patch(stream, 3 * HOUR, customer_id="globex")
    patch(stream, 5 * HOUR, HOUR, customer_id="initech")
    patch(stream, 6 * HOUR, 2 * HOUR, customer_id=None)
    patch(stream, 7 * HOUR, customer_id="hooli")
    assert changes(stream)[2:] == [
        [("tags.customer_id", "acme", "initech", "2026-03-01T15:00:00.000Z")],
        [("tags.customer_id", "initech", None, "2026-03-01T15:00:00.000Z")],
        [("tags.customer_id", "globex", "hooli", None)],
    ]
    assert [entry.backdated for entry in entries(stream)] == [False, False, True, True, False]


def test_at_one_instant_the_later_event_is_told_against_the_earlier_one() -> None:
    stream = key(customer_id="acme")
    patch(stream, HOUR, timedelta(0), customer_id="globex")
    patch(stream, 2 * HOUR, timedelta(0), customer_id="initech")
    assert changes(stream)[1:] == [
        [("tags.customer_id", "acme", "globex", None)],
        [("tags.customer_id", "globex", "initech", None)],
    ]


def test_what_an_event_wrote_is_told_even_where_it_was_so_already() -> None:
    stream = key(customer_id="acme")
    patch(stream, HOUR, timedelta(0), customer_id="acme", gone=None)
    assert changes(stream)[1] == [("tags.customer_id", "acme", "acme", None), ("tags.gone", None, None, None)]


def test_who_did_it_for_whom_when_and_why_is_told() -> None:
    stream = key()
    patch(stream, HOUR, timedelta(0), a="b")
    stream.history[1] = msgspec.structs.replace(
        stream.history[1], actor="token-t0kenPubl1c0", on_behalf_of="Zoë", request_id="r1", reason="ticket 4711\nmoved"
    )
    shown = [encode(entry) for entry in entries(stream)]
    assert {name: value for name, value in shown[1].items() if name != "changes"} == {
        "position": 2,
        "version": 2,
        "type": "TagsChanged",
        "recorded_at": "2026-03-01T13:00:00.000000Z",
        "effective_at": "2026-03-01T12:00:00.000Z",
        "backdated": True,
        "actor": "token-t0kenPubl1c0",
        "actor_name": "portal",
        "on_behalf_of": "Zoë",
        "request_id": "r1",
        "reason": "ticket 4711\nmoved",
    }
    assert (shown[0]["actor"], shown[0]["actor_name"]) == ("operator", None)


def test_the_status_tells_of_expiry_which_is_no_event() -> None:
    revived, ended = key(HOUR), key(HOUR)
    later = EditKey(expiration=NOON + 9 * HOUR)
    revived.append(edit(later, revived.view(NOON + 2 * HOUR)), NOON + 2 * HOUR)
    ended.append(revoke(RevokeKey(), ended.view(NOON + 2 * HOUR)), NOON + 2 * HOUR)
    assert changes(revived)[1] == [
        ("expiration", "2026-03-01T13:00:00.000Z", "2026-03-01T21:00:00.000Z", None),
        ("status", "expired", "active", None),
    ]
    assert changes(ended)[1] == [("status", "expired", "revoked", None)]


def test_an_admin_token_has_a_history_too() -> None:
    stream = Stream("token-t0kenPubl1c0")
    command = token.CreateToken("t0kenPubl1c0", "portal", ("keys:read", "keys:write"), "c" * 64)
    stream.append(token.create(command, stream.view(NOON)), NOON)
    stream.append(token.revoke(stream.view(NOON + HOUR)), NOON + HOUR)
    assert changes(stream) == [
        [
            ("name", None, "portal", None),
            ("scopes", None, ["keys:read", "keys:write"], None),
            ("status", None, "active", None),
        ],
        [("status", "active", "revoked", None)],
    ]


def test_every_type_of_event_can_be_told_and_none_tells_a_commitment() -> None:
    shown = {one.event.type: repr(written(codec.decode(one.event))) for one in golden_log().values()}
    assert shown.keys() == {kind.__name__ for kind in codec.CURRENT}
    assert not any("abab" in text for text in shown.values())


patches = st.dictionaries(st.sampled_from("abc"), st.none() | st.sampled_from("123"), min_size=1)


DECIDES: dict[str, Callable[[StreamView], Sequence[NewEvent]]] = {
    "suspend": suspend,
    "resume": resume,
    "rotate": lambda view: rotate(RotateKey(IssuedCredential("r0tatedPub01", "d" * 64), timedelta(days=1)), view),
    "compromised": lambda view: rotate(RotateKey(IssuedCredential("r0tatedPub02", "d" * 64), None), view),
    "credential": lambda view: revoke_credential(RevokeCredential("k3yPubl1cId0"), view),
}
# A patch and since when it counts, or one of those.
steps_of_a_key = st.one_of(st.tuples(patches, st.none() | st.integers(0, 20)), st.sampled_from(sorted(DECIDES)))


@given(st.lists(steps_of_a_key, max_size=12))
def test_what_an_event_is_told_to_change_is_what_the_fold_before_it_held_at_its_instant(
    steps: list[tuple[dict[str, str | None], int | None] | str],
) -> None:
    stream = key(a="0", b="0")
    for number, step in enumerate(steps, start=1):
        after = 21 * MS + number * MS
        if isinstance(step, str):
            stream.append(DECIDES[step](stream.view(NOON + after)), NOON + after)
        else:
            tags, since = step
            patch(stream, after, None if since is None else since * MS, **tags)
    for entry in entries(stream):
        known, now = (_known(stream.history, entry, back) for back in (1, 0))
        for change in entry.changes:
            assert (change.from_, change.to) == (known.get(change.field), now.get(change.field))


def _known(history: list[RecordedEvent], entry: Entry, back: int) -> dict[str, Any]:
    state = fold(history, at=entry.effective_at, known_at=entry.position - back)
    return {} if state is None else fields_of(state, entry.effective_at)
