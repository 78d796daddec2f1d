"""Decide and evolve: whatever is edited in whatever order, the tags are the brute-force fold of the deltas."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Conflict, FieldsRefused, Forbidden, UnknownChange, UnknownKey
from registry.keys.commands import MAX_AHEAD, MAX_SCHEDULED, CreateKey, EditKey, RevokeKey, create, edit, revoke
from registry.keys.events import IssuedCredential, KeyCreated, ScheduledChangeCancelled, TagsChanged
from registry.keys.scheduling import CancelScheduled, cancel
from registry.keys.state import KeyState, fold
from registry.keys.tags import MAX_TAGS
from registry.log.codec import decode
from registry.log.event_log import RecordedEvent
from registry.log.stream_state import dump, load
from tests.support.records import MS, NOON, Stream

CREDENTIAL = IssuedCredential("k3yPubl1cId0", "c" * 64)
HOUR = timedelta(hours=1)


def made(**tags: str) -> Stream:
    """A key made at noon."""
    stream = Stream()
    stream.append(create(CreateKey(CREDENTIAL, tags), stream.view(NOON)), NOON)
    return stream


def made_for(life: timedelta, **tags: str) -> Stream:
    """A key made at noon that expires."""
    stream = Stream()
    stream.append(create(CreateKey(CREDENTIAL, tags, expiration=NOON + life), stream.view(NOON)), NOON)
    return stream


def edited(stream: Stream, after: timedelta, command: EditKey) -> list[RecordedEvent]:
    """Decide an edit some time after noon, and record it."""
    return stream.append(edit(command, stream.view(NOON + after)), NOON + after)


def cancelled(stream: Stream, after: timedelta, position: int) -> list[RecordedEvent]:
    """Cancel the change at a position some time after noon."""
    return stream.append(cancel(CancelScheduled(position), stream.view(NOON + after)), NOON + after)


def backdated(after: timedelta, **tags: str | None) -> EditKey:
    """Tags from some time after noon on."""
    return EditKey(tags=tags, effective_at=NOON + after, reason="a correction", may_backdate=True)


def by_brute_force(history: list[RecordedEvent], up_to_ms: int | None = None) -> dict[str, str]:
    """The deltas in order of (effective_at, position), applied to a plain dictionary."""
    tags: dict[str, str | None] = {}
    events = [decode(recorded) for recorded in history]
    never = [event.scheduled_position for event in events if isinstance(event, ScheduledChangeCancelled)]
    for recorded in sorted(history, key=lambda one: (one.effective_at, one.position)):
        if recorded.position in never:
            continue
        if up_to_ms is not None and recorded.effective_at > NOON + up_to_ms * MS:
            continue
        event = decode(recorded)
        if isinstance(event, KeyCreated):
            tags.update(event.tags)
        elif isinstance(event, TagsChanged):
            tags.update({**event.set, **dict.fromkeys(event.remove)})
    return {name: value for name, value in tags.items() if value is not None}


names = st.sampled_from("abc")
patches = st.dictionaries(names, st.none() | st.sampled_from("123"), min_size=1)
steps = st.lists(st.tuples(st.integers(0, 3), patches | st.none(), st.none() | st.integers(0, 20)), max_size=12)


@given(st.dictionaries(names, st.sampled_from("123")), steps)
def test_tags_are_the_fold_of_all_deltas_by_instant_and_position(
    tags: dict[str, str], edits: list[tuple[int, dict[str, str | None] | None, int | None]]
) -> None:
    """Edits of now, of the past and of times to come, and some of the latter cancelled (no patch)."""
    stream, now_ms = made(**tags), 0
    for pause, patch, at in edits:
        now_ms += pause
        if patch is not None:
            command = EditKey(tags=patch)
            if at is not None:
                command = EditKey(tags=patch, effective_at=NOON + at * MS, reason="x", may_backdate=True)
            edited(stream, now_ms * MS, command)
        elif pending := stream.state.pending(NOON + now_ms * MS):
            cancelled(stream, now_ms * MS, pending[(at or 0) % len(pending)].position)
        assert isinstance(stream.state, KeyState)
        assert stream.state.tags(NOON + now_ms * MS) == by_brute_force(stream.history, now_ms)
    assert fold(stream.history) == stream.state == load("key-x", dump(stream.state))
    for instant in range(25):
        past = fold(stream.history, at=NOON + instant * MS)
        assert past is not None
        assert past.tags(NOON + instant * MS) == by_brute_force(stream.history, instant)
        if instant >= now_ms:
            assert stream.state.tags(NOON + instant * MS) == past.tags(NOON + instant * MS)


@given(st.dictionaries(names, st.sampled_from("12")), patches)
def test_a_patch_of_now_appends_just_what_differs(tags: dict[str, str], patch: dict[str, str | None]) -> None:
    stream = made(**tags)
    appended = edited(stream, MS, EditKey(tags=patch))
    changes = {name: value for name, value in patch.items() if tags.get(name) != value}
    if not changes:
        assert appended == []
        return
    event = decode(appended[0])
    assert isinstance(event, TagsChanged)
    assert {**event.set, **dict.fromkeys(event.remove)} == changes
    assert edited(stream, 2 * MS, EditKey(tags=patch)) == []


def test_a_removal_is_remembered_against_an_older_set_that_comes_later() -> None:
    stream = made(customer="acme")
    edited(stream, 10 * HOUR, EditKey(tags={"customer": None}))
    edited(stream, 11 * HOUR, backdated(HOUR, customer="globex"))
    assert stream.state.tags(NOON + 24 * HOUR) == {}
    assert fold(stream.history, at=NOON + 2 * HOUR).tags(NOON + 2 * HOUR) == {"customer": "globex"}  # type: ignore[union-attr]


def test_a_correction_of_one_tag_does_not_undo_a_later_edit_of_another() -> None:
    stream = made(customer="acme", env="dev")
    edited(stream, 10 * HOUR, EditKey(tags={"env": "prod"}))
    edited(stream, 11 * HOUR, backdated(HOUR, customer="globex"))
    assert stream.state.tags(NOON + 24 * HOUR) == {"customer": "globex", "env": "prod"}


def test_at_one_instant_the_higher_position_wins() -> None:
    stream = made(a="0")
    edited(stream, 2 * HOUR, backdated(HOUR, a="1"))
    edited(stream, 2 * HOUR, backdated(HOUR, a="2"))
    assert stream.state.tags(NOON + 24 * HOUR) == {"a": "2"}


def test_64_tags_are_a_key_and_65_are_refused_with_the_count() -> None:
    stream = made(**{f"t{number}": "v" for number in range(MAX_TAGS)})
    with pytest.raises(FieldsRefused, match="tags would be 65"):
        edited(stream, HOUR, EditKey(tags={"one_more": "v"}))
    edited(stream, HOUR, EditKey(tags={"one_more": "v", "t0": None}))
    assert len(stream.state.tags(NOON + 24 * HOUR)) == MAX_TAGS


def test_a_backdated_edit_is_refused_for_65_tags_at_any_later_instant() -> None:
    full = {f"t{number}": "v" for number in range(MAX_TAGS)}
    stream = made()
    edited(stream, 2 * HOUR, EditKey(tags=full))
    edited(stream, 3 * HOUR, EditKey(tags=dict.fromkeys(full)))
    with pytest.raises(FieldsRefused, match=r"65 as of 2026-03-01T14:00:00.000Z"):
        edited(stream, 4 * HOUR, backdated(HOUR, one_more="v"))
    edited(stream, 4 * HOUR, backdated(3 * HOUR, one_more="v"))
    edited(stream, 4 * HOUR, backdated(HOUR, t0="early"))
    assert stream.state.tags(NOON + 24 * HOUR) == {"one_more": "v"}


def test_effective_at_needs_the_scope_and_a_reason_in_the_past_alone() -> None:
    stream = made()
    past = NOON + HOUR
    with pytest.raises(Forbidden, match="keys:backdate"):
        edited(stream, 2 * HOUR, EditKey(tags={"a": "1"}, effective_at=past, reason="x"))
    for reason in (None, "", "  "):
        with pytest.raises(FieldsRefused, match="reason"):
            edited(stream, 2 * HOUR, EditKey(tags={"a": "1"}, effective_at=past, reason=reason, may_backdate=True))
    assert len(edited(stream, HOUR, EditKey(tags={"a": "1"}, effective_at=past))) == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (EditKey(effective_at=NOON), "goes with tags"),
        (EditKey(tags={"a": "1"}, description="x", effective_at=NOON), "tags alone"),
        (EditKey(tags={"a": "1"}, expiration=None, effective_at=NOON), "tags alone"),
        (EditKey(tags={"a": "1"}, effective_at=NOON - MS), "creation at 2026-03-01T12:00:00.000Z"),
        (EditKey(tags={"a": "1"}, effective_at=NOON + HOUR + MAX_AHEAD + MS), "at most 366 days ahead"),
    ],
)
def test_effective_at_goes_with_tags_alone_inside_the_life_so_far(command: EditKey, why: str) -> None:
    with pytest.raises(FieldsRefused, match="effective_at .*" + why):
        edited(made(), HOUR, command)


def test_a_scheduled_change_counts_from_its_millisecond_and_leaves_other_tags_to_later_edits() -> None:
    stream = made(a="1", b="1")
    edited(stream, HOUR, EditKey(tags={"a": "2"}, effective_at=NOON + 3 * HOUR, reason="moves"))
    edited(stream, 2 * HOUR, EditKey(tags={"a": "9", "b": "2"}))
    assert stream.state.tags(NOON + 3 * HOUR - MS) == {"a": "9", "b": "2"}
    assert stream.state.tags(NOON + 3 * HOUR) == {"a": "2", "b": "2"}
    (waiting,) = stream.state.pending(NOON + 3 * HOUR - MS)
    assert (waiting.position, waiting.effective_at, waiting.delta) == (2, NOON + 3 * HOUR, {"a": "2"})
    assert stream.state.pending(NOON + 3 * HOUR) == []


def test_a_cancelled_change_never_counts_and_a_repeat_changes_nothing() -> None:
    stream = made(a="1")
    edited(stream, HOUR, EditKey(tags={"a": "2"}, effective_at=NOON + 3 * HOUR))
    assert len(cancelled(stream, 2 * HOUR, 2)) == 1
    assert cancelled(stream, 2 * HOUR, 2) == []
    assert cancelled(stream, 4 * HOUR, 2) == []
    assert stream.state.tags(NOON + 4 * HOUR) == {"a": "1"}


def test_a_change_in_effect_is_not_cancelled_and_an_unknown_one_is_not_found() -> None:
    stream = made(a="1")
    edited(stream, HOUR, EditKey(tags={"a": "2"}, effective_at=NOON + 3 * HOUR))
    with pytest.raises(Conflict, match=r"in effect since 2026-03-01T15:00:00\.000Z"):
        cancelled(stream, 3 * HOUR, 2)
    edited(stream, 4 * HOUR, EditKey(tags={"b": "1"}))
    with pytest.raises(Conflict, match="in effect"):
        cancelled(stream, 4 * HOUR, 2)
    for position in (1, 3, 77):
        with pytest.raises(UnknownChange):
            cancelled(stream, 4 * HOUR, position)


def test_no_more_than_so_many_changes_wait() -> None:
    stream = made()
    for number in range(MAX_SCHEDULED):
        edited(stream, HOUR, EditKey(tags={"a": str(number)}, effective_at=NOON + 2 * HOUR + number * MS))
    one_more = EditKey(tags={"a": "x"}, effective_at=NOON + 4 * HOUR)
    with pytest.raises(FieldsRefused, match="at most 32"):
        edited(stream, HOUR, one_more)
    assert len(edited(stream, 3 * HOUR, one_more)) == 1


def test_a_key_never_has_too_many_tags_at_any_time_to_come() -> None:
    stream = made(**{f"t{number}": "v" for number in range(MAX_TAGS - 1)})
    edited(stream, HOUR, EditKey(tags={"a": "1", "t0": None}, effective_at=NOON + 3 * HOUR))
    edited(stream, HOUR, EditKey(tags={"b": "1"}, effective_at=NOON + 4 * HOUR))
    with pytest.raises(FieldsRefused, match=r"65 as of 2026-03-01T16:00:00.000Z"):
        edited(stream, 2 * HOUR, EditKey(tags={"c": "1"}))
    with pytest.raises(FieldsRefused, match="65 as of"):
        edited(stream, 2 * HOUR, EditKey(tags={"c": "1"}, effective_at=NOON + 5 * HOUR))
    edited(stream, 2 * HOUR, EditKey(tags={"c": "1", "t1": None}, effective_at=NOON + 5 * HOUR))


def test_a_cancellation_that_would_leave_too_many_tags_is_refused() -> None:
    stream = made(**{f"t{number}": "v" for number in range(MAX_TAGS)})
    edited(stream, HOUR, EditKey(tags={"t0": None}, effective_at=NOON + 3 * HOUR))
    edited(stream, HOUR, EditKey(tags={"a": "1"}, effective_at=NOON + 4 * HOUR))
    with pytest.raises(FieldsRefused, match=r"65 as of 2026-03-01T16:00:00\.000Z"):
        cancelled(stream, 2 * HOUR, 2)


def test_an_effective_at_appends_even_what_changes_nothing_now() -> None:
    stream = made(a="1")
    assert len(edited(stream, HOUR, EditKey(tags={"a": "1"}, effective_at=NOON + HOUR))) == 1


def test_an_empty_patch_appends_nothing() -> None:
    stream = made(a="1")
    for command in (EditKey(), EditKey(tags={}), EditKey(tags={}, description=None, expiration=None)):
        assert edited(stream, HOUR, command) == []


def test_one_patch_of_all_members_is_one_event_each() -> None:
    stream = made()
    appended = edited(stream, HOUR, EditKey(tags={"a": "1"}, description="x", expiration=NOON + 2 * HOUR))
    assert sorted(event.type for event in appended) == ["ExpirationChanged", "KeyDescribed", "TagsChanged"]


def test_a_revoked_keys_past_can_be_corrected_and_its_description_edited() -> None:
    stream = made(a="1")
    stream.append(revoke(RevokeKey(), stream.view(NOON + HOUR)), NOON + HOUR)
    assert edited(stream, 2 * HOUR, EditKey(description="gone")) != []
    assert edited(stream, 2 * HOUR, backdated(HOUR - MS, a="2")) != []
    for refused in (
        EditKey(tags={"a": "3"}),
        backdated(HOUR, a="3"),
        EditKey(expiration=NOON + 9 * HOUR),
        EditKey(expiration=None),
    ):
        with pytest.raises(Conflict, match="revoked"):
            edited(stream, 2 * HOUR, refused)


def test_a_revocation_repeated_appends_nothing() -> None:
    stream = made()
    stream.append(revoke(RevokeKey(), stream.view(NOON + HOUR)), NOON + HOUR)
    assert revoke(RevokeKey(), stream.view(NOON + 2 * HOUR)) == []
    assert stream.state.revoked_at == NOON + HOUR


def test_a_revoked_key_is_so_at_once_also_by_a_clock_that_is_behind_its_end() -> None:
    stream = made()
    stream.append(revoke(RevokeKey(), stream.view(NOON)), NOON)
    assert stream.state.status(NOON - HOUR) == "revoked"
    with pytest.raises(Conflict, match="revoked"):
        edited(stream, -HOUR, EditKey(tags={"a": "1"}))


def test_an_expired_keys_past_can_be_corrected_and_a_new_expiration_revives_it() -> None:
    stream = made_for(HOUR, a="1")
    assert stream.state.status(NOON + HOUR - MS) == "active"
    assert stream.state.status(NOON + HOUR) == "expired"
    for refused in (EditKey(tags={"a": "2"}), backdated(HOUR, a="2")):
        with pytest.raises(Conflict, match="expired"):
            edited(stream, 2 * HOUR, refused)
    assert edited(stream, 2 * HOUR, backdated(HOUR - MS, a="2")) != []
    assert edited(stream, 2 * HOUR, EditKey(description="x")) != []
    with pytest.raises(FieldsRefused, match="expiration must be in the future"):
        edited(stream, 2 * HOUR, EditKey(expiration=NOON + 2 * HOUR))
    edited(stream, 2 * HOUR, EditKey(expiration=NOON + 3 * HOUR))
    assert stream.state.status(NOON + 2 * HOUR) == "active"
    assert edited(stream, 2 * HOUR, EditKey(tags={"a": "3"})) != []


def test_an_expired_key_can_be_revoked_and_is_then_revoked_first_of_all() -> None:
    stream = made_for(HOUR)
    stream.append(revoke(RevokeKey(), stream.view(NOON + 2 * HOUR)), NOON + 2 * HOUR)
    assert stream.state.status(NOON + 2 * HOUR) == "revoked"


def test_an_unknown_key_can_not_be_edited_or_revoked_and_a_known_one_not_be_made() -> None:
    with pytest.raises(UnknownKey):
        edit(EditKey(description="x"), Stream().view(NOON))
    with pytest.raises(UnknownKey):
        revoke(RevokeKey(), Stream().view(NOON))
    with pytest.raises(Conflict):
        create(CreateKey(CREDENTIAL), made().view(NOON))


def test_a_key_can_not_be_made_that_has_expired() -> None:
    with pytest.raises(FieldsRefused, match="expiration"):
        create(CreateKey(CREDENTIAL, expiration=NOON), Stream().view(NOON))
