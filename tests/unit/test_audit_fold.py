"""The fold of many events gives the states that the registry's own evolve gives, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.fold import Fold
from registry.errors import UndecodableEvent
from registry.keys import events
from registry.keys.details import KeyDetails
from registry.keys.events import Event, IssuedCredential
from registry.log import codec, stream_state
from registry.log.event_log import AnyEvent, Foldable, RecordedEvent
from registry.log.stream_state import StreamState
from tests.support.records import NOON, record

STREAMS = ("key-aaaaaaaaaaaa", "key-bbbbbbbbbbbb", "token-cccccccccccc", "other")
CREDENTIAL = IssuedCredential("aaaaaaaaaaaa", "c" * 64)
names = st.sampled_from(("a", "b", "c"))
happenings = st.one_of(
    st.builds(events.TagsChanged, st.dictionaries(names, st.sampled_from("123")), st.tuples(names)),
    st.builds(events.TagsChanged, st.dictionaries(names, st.sampled_from("123")), st.just(())),
    st.builds(events.KeyDescribed, st.sampled_from((None, "x"))),
    st.builds(events.ExpirationChanged, st.sampled_from((None, NOON))),
    st.builds(events.ScheduledChangeCancelled, st.integers(1, 30)),
    st.just(events.KeyRevoked()),
    st.just(events.KeySuspended()),
    st.just(events.KeyResumed()),
    st.builds(
        events.KeyRotated,
        st.builds(IssuedCredential, st.sampled_from(("bbbbbbbbbbbb", "cccccccccccc")), st.just("c" * 64)),
        st.sampled_from(((), ("aaaaaaaaaaaa",), ("aaaaaaaaaaaa", "bbbbbbbbbbbb"))),
        st.just(NOON),
        st.booleans(),
    ),
    st.builds(events.CredentialRevoked, st.sampled_from(("aaaaaaaaaaaa", "bbbbbbbbbbbb"))),
    st.just(events.AdminTokenRevoked()),
)
# (stream, seconds after noon, what happened): most of them dated back, some at one instant.
logs = st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(0, 3), happenings), max_size=30)


def first(stream: str) -> Event:
    """How a stream begins."""
    if stream.startswith("token-"):
        return events.AdminTokenCreated("cccccccccccc", "portal", ("admin",), "c" * 64, None, None)
    return events.KeyCreated(stream[4:], {"a": "0"}, KeyDetails(), NOON, CREDENTIAL)


def log_of(happened: Sequence[tuple[str, int, Event]]) -> list[RecordedEvent]:
    """A log of these, each at the next position and its stream's next version."""
    made, versions = [], dict[str, int]()
    for position, (stream, after_s, event) in enumerate(happened, start=1):
        versions[stream] = versions.get(stream, 0) + 1
        new = codec.encode(event)
        made.append(
            record(
                stream=stream,
                position=position,
                version=versions[stream],
                type=new.type,
                payload=new.payload,
                effective_at=NOON + timedelta(seconds=after_s),
            )
        )
    return made


def one_by_one(log: Sequence[AnyEvent]) -> dict[str, StreamState]:
    """The states as the append makes them."""
    states: dict[str, StreamState] = {}
    for event in log:
        state = stream_state.evolve(states.get(event.stream), event, codec.decode(event))
        if state is not None:
            states[event.stream] = state
    return states


def together(log: Sequence[AnyEvent], page: int) -> dict[str, StreamState]:
    """The states as the fold makes them."""
    fold = Fold()
    for start in range(0, len(log), page):
        fold.take(log[start : start + page])
    return dict(fold.states())


def outcome(of: Sequence[AnyEvent], page: int | None) -> dict[str, StreamState] | str:
    """The states, or the error."""
    try:
        return one_by_one(of) if page is None else together(of, page)
    except ValueError as error:
        return str(error)


@given(logs, st.integers(1, 40))
def test_the_fold_of_any_log_is_what_evolve_gives(happened: list[tuple[str, int, Event]], page: int) -> None:
    """Every stream begins as it must; what fits no stream of its kind is left out."""
    begun = [(stream, 0, first(stream)) for stream in STREAMS[:3]]
    fitting = [one for one in happened if isinstance(one[2], events.AdminTokenRevoked) == (one[0] == STREAMS[2])]
    log = log_of(begun + [one for one in fitting if one[0] != "other"] + [one for one in happened if one[0] == "other"])
    expected = one_by_one(log)
    assert together(log, page) == expected
    assert together([Foldable.of(event) for event in log], page) == expected


@given(logs, st.integers(1, 40), st.randoms())
def test_a_log_that_is_wrong_fails_with_the_same_words(
    happened: list[tuple[str, int, Event]], page: int, chance: Random
) -> None:
    log = log_of([(STREAMS[0], 0, first(STREAMS[0])), *happened])
    chance.shuffle(log)
    assert outcome(log, page) == outcome(log, None)


@pytest.mark.parametrize("late", [events.TagsChanged({"a": "2"}, ()), events.KeyDescribed("x")])
def test_an_event_that_comes_after_a_later_one_is_refused(late: Event) -> None:
    log = log_of(
        [(STREAMS[0], 0, first(STREAMS[0])), (STREAMS[0], 1, late), (STREAMS[0], 2, events.TagsChanged({}, ()))]
    )
    with pytest.raises(ValueError, match=f"^{type(late).__name__} at position 2 can't follow in its key's stream$"):
        Fold().take([log[0], log[2], log[1]])


def test_states_read_on_the_way_stay_as_they_were() -> None:
    log = log_of([(STREAMS[0], 0, first(STREAMS[0])), (STREAMS[0], 1, events.TagsChanged({"a": "1"}, ()))])
    fold = Fold()
    fold.take(log[:1])
    before = dict(fold.states())
    fold.take(log[1:])
    assert before == one_by_one(log[:1])
    assert dict(fold.states()) == one_by_one(log)


def test_an_event_that_does_not_decode_is_named() -> None:
    log = log_of([(STREAMS[0], 0, first(STREAMS[0]))])
    unknown = record(stream=STREAMS[0], position=2, version=2, type="TagsChanged", schema_version=3)
    with pytest.raises(UndecodableEvent, match="position 2 "):
        Fold().take([*log, unknown])
