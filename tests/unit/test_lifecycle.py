"""Suspension, rotation and the end of one credential, decided and folded: what a key is at every instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Conflict, UnknownCredential, UnknownKey
from registry.keys.commands import CreateKey, EditKey, RevokeKey, create, edit, revoke
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential, KeyImported, KeyRotated
from registry.keys.lifecycle import (
    MAX_CREDENTIALS,
    MAX_OVERLAP,
    RevokeCredential,
    RotateKey,
    resume,
    revoke_credential,
    rotate,
    suspend,
)
from registry.keys.state import KeyState, fold
from registry.log import codec
from registry.log.event_log import NewEvent, RecordedEvent, StreamView
from registry.log.stream_state import dump, load
from tests.support.records import NOON, Stream

FIRST = "k3yPubl1cId0"
HOUR, MS = timedelta(hours=1), timedelta(milliseconds=1)
Decide = Callable[[StreamView], Sequence[NewEvent]]


def made(**more: datetime) -> Stream:
    """A key made at noon."""
    stream = Stream()
    command = CreateKey(IssuedCredential(FIRST, "c" * 64), {"customer_id": "acme"}, **more)  # type: ignore[arg-type]
    stream.append(create(command, stream.view(NOON)), NOON)
    return stream


def done(stream: Stream, after: timedelta, decide: Decide) -> list[RecordedEvent]:
    """Decide some time after noon, and record it."""
    return stream.append(decide(stream.view(NOON + after)), NOON + after)


def rotation(number: int, overlap: timedelta | None) -> Decide:
    """A rotation to a credential of that number."""
    command = RotateKey(IssuedCredential(f"r0tatedPub{number:02}", "d" * 64), overlap)
    return lambda view: rotate(command, view)


def ending(credential_id: str) -> Decide:
    """The revocation of a credential."""
    return lambda view: revoke_credential(RevokeCredential(credential_id), view)


def revoking(view: StreamView) -> Sequence[NewEvent]:
    """The revocation of the key."""
    return revoke(RevokeKey(), view)


def statuses(stream: Stream, *hours: int) -> list[str]:
    """What the key was so many hours after noon, as the whole log tells it."""
    states = [(fold(stream.history, at=NOON + hour * HOUR), NOON + hour * HOUR) for hour in hours]
    return ["" if state is None else state.status(at) for state, at in states]


def ends(stream: Stream) -> dict[str, tuple[datetime | None, datetime | None]]:
    """When each credential expires, and when it was revoked."""
    return {one.credential_id: (one.expires_at, one.revoked_at) for one in stream.state.credentials}


def test_a_suspension_stops_a_key_until_it_is_resumed_and_the_past_stays() -> None:
    stream = made()
    done(stream, 1 * HOUR, suspend)
    done(stream, 3 * HOUR, resume)
    done(stream, 5 * HOUR, suspend)
    assert statuses(stream, 0, 1, 2, 3, 4, 5) == [
        *("active", "suspended", "suspended", "active", "active", "suspended")
    ]
    assert stream.state.suspended_at == NOON + 5 * HOUR


def test_a_repeat_of_a_suspension_or_resumption_appends_nothing() -> None:
    stream = made()
    assert done(stream, HOUR, resume) == []
    assert len(done(stream, HOUR, suspend)) == 1
    assert done(stream, 2 * HOUR, suspend) == []
    assert stream.state.suspended_at == NOON + HOUR
    assert len(done(stream, 3 * HOUR, resume)) == 1
    assert done(stream, 4 * HOUR, resume) == []


def test_the_first_word_that_fits_is_the_status() -> None:
    stream = made(expiration=NOON + 2 * HOUR)
    done(stream, HOUR, suspend)
    done(stream, 4 * HOUR, revoking)
    assert statuses(stream, 0, 1, 3, 4) == ["active", "suspended", "suspended", "revoked"]


def test_an_expired_key_can_be_suspended_and_a_new_expiration_does_not_let_it_work() -> None:
    stream = made(expiration=NOON + HOUR)
    done(stream, 2 * HOUR, suspend)
    done(stream, 3 * HOUR, lambda view: edit(EditKey(expiration=None), view))
    assert stream.state.status(NOON + 4 * HOUR) == "suspended"
    done(stream, 5 * HOUR, resume)
    assert stream.state.status(NOON + 5 * HOUR) == "active"


def test_the_tags_of_a_suspended_key_can_be_edited_and_those_of_one_that_expired_meanwhile_can_not() -> None:
    stream = made(expiration=NOON + 3 * HOUR)
    done(stream, HOUR, suspend)
    done(stream, 2 * HOUR, lambda view: edit(EditKey(tags={"customer_id": "globex"}), view))
    assert stream.state.tags(NOON + 24 * HOUR) == {"customer_id": "globex"}
    with pytest.raises(Conflict, match="expired"):
        done(stream, 3 * HOUR, lambda view: edit(EditKey(tags={"customer_id": "umbrella"}), view))


def test_a_rotation_keeps_tags_and_history_and_the_old_secret_ends_after_the_overlap() -> None:
    stream = made()
    (event,) = done(stream, HOUR, rotation(1, timedelta(minutes=5)))
    assert codec.decode(event) == KeyRotated(
        IssuedCredential("r0tatedPub01", "d" * 64), (FIRST,), NOON + HOUR + timedelta(minutes=5), compromised=False
    )
    assert (stream.state.public_id, stream.state.tags(NOON + 24 * HOUR)) == (FIRST, {"customer_id": "acme"})
    assert ends(stream) == {FIRST: (NOON + HOUR + timedelta(minutes=5), None), "r0tatedPub01": (None, None)}
    assert [one.created_at for one in stream.state.credentials] == [NOON, NOON + HOUR]


def test_a_compromised_secret_ends_at_the_rotation_itself() -> None:
    stream = made()
    done(stream, HOUR, rotation(1, 2 * HOUR))
    done(stream, 2 * HOUR, rotation(2, None))
    now = NOON + 2 * HOUR
    assert ends(stream) == {FIRST: (now, None), "r0tatedPub01": (now, None), "r0tatedPub02": (None, None)}
    assert [one.ends_by(now) for one in stream.state.credentials] == [True, True, False]


def test_a_later_rotation_never_lets_an_old_secret_live_longer() -> None:
    stream = made()
    done(stream, HOUR, rotation(1, HOUR))
    (event,) = done(stream, HOUR + MS, rotation(2, 24 * HOUR))
    assert codec.decode(event).retired == ("r0tatedPub01",)  # type: ignore[attr-defined]
    assert ends(stream)[FIRST] == (NOON + 2 * HOUR, None)
    done(stream, 3 * HOUR, ending("r0tatedPub02"))
    (event,) = done(stream, 4 * HOUR, rotation(3, MAX_OVERLAP))
    assert codec.decode(event).retired == ()  # type: ignore[attr-defined]


def test_one_credential_ends_and_the_others_live_on() -> None:
    stream = made()
    done(stream, HOUR, rotation(1, MAX_OVERLAP))
    done(stream, 2 * HOUR, ending(FIRST))
    assert ends(stream) == {FIRST: (NOON + HOUR + MAX_OVERLAP, NOON + 2 * HOUR), "r0tatedPub01": (None, None)}
    assert done(stream, 3 * HOUR, ending(FIRST)) == []
    done(stream, 4 * HOUR, ending("r0tatedPub01"))
    assert stream.state.status(NOON + 5 * HOUR) == "active"
    done(stream, 6 * HOUR, rotation(2, None))
    assert ends(stream)["r0tatedPub02"] == (None, None)


def test_what_has_ended_can_not_be_changed_any_more() -> None:
    stream = made()
    done(stream, HOUR, rotation(1, HOUR))
    done(stream, HOUR, ending(FIRST))
    done(stream, 2 * HOUR, revoking)
    for decide in (suspend, resume, rotation(2, None), ending("r0tatedPub01")):
        with pytest.raises(Conflict, match="revoked"):
            done(stream, 3 * HOUR, decide)
    assert done(stream, 3 * HOUR, ending(FIRST)) == []
    expired = made(expiration=NOON + HOUR)
    with pytest.raises(Conflict, match=r"expired at 2026-03-01T13:00:00.000Z"):
        done(expired, HOUR, rotation(1, HOUR))


def test_what_is_not_there_is_unknown() -> None:
    for decide in (suspend, resume, rotation(1, None), ending(FIRST)):
        with pytest.raises(UnknownKey):
            done(Stream(), HOUR, decide)
    with pytest.raises(UnknownCredential):
        done(made(), HOUR, ending("AAAAAAAAAAAA"))


def test_a_key_has_at_most_so_many_credentials_ever() -> None:
    stream = Stream()
    state = made().state
    many = tuple(state.credentials) * MAX_CREDENTIALS
    full = KeyState(**{name: getattr(state, name) for name in state.__struct_fields__} | {"credentials": many})
    with pytest.raises(Conflict, match="1000 credentials"):
        rotation(1, None)(StreamView(NOON + HOUR, 1, full))
    assert stream.history == []


def test_an_imported_key_that_was_disabled_is_alive_before_and_revoked_after() -> None:
    stream = Stream()
    event = KeyImported(
        FIRST,
        {"a": "1"},
        KeyDetails(None, "o", "w"),
        None,
        NOON + HOUR,
        IssuedCredential(FIRST, "c" * 64),
        "tensorzero",
    )
    stream.append([NewEvent(event, NOON)], NOON + 5 * HOUR)
    assert statuses(stream, 0, 1, 2) == ["active", "revoked", "revoked"]
    then = fold(stream.history, at=NOON)
    assert then is not None
    assert (then.revoked_at, then.tags(NOON)) == (None, {"a": "1"})
    assert stream.state.revoked_at == NOON + HOUR
    assert fold(stream.history, at=NOON - MS) is None


steps = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("srocx")), max_size=12)


@given(steps)
def test_life_as_of_an_instant_is_what_the_last_events_before_it_say(happened: list[tuple[int, str]]) -> None:
    stream, now_ms, expected = made(), 0, {0: "active"}
    decides = {"s": suspend, "r": resume, "o": rotation(1, MS), "c": rotation(2, None), "x": ending(FIRST)}
    for pause, what in happened:
        now_ms += pause
        done(stream, now_ms * MS, decides[what])
        if what in "sr":
            expected[now_ms] = "suspended" if what == "s" else "active"
    assert fold(stream.history) == stream.state == load("key-x", dump(stream.state))
    said = "active"
    for instant in range(now_ms + 1):
        said = expected.get(instant, said)
        past = fold(stream.history, at=NOON + instant * MS)
        assert past is not None
        assert past.status(NOON + instant * MS) == said
