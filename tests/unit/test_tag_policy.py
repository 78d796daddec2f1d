"""The tag policy, without a log: what it may say, and what it says of tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.policy.events import TagPolicySet, TagRule
from registry.policy.patterns import MAX_PATTERN, matches
from registry.policy.rules import MAX_NAMES, MAX_VALUES, key_faults, policy_faults, tag_faults

NAMES = ("a", "b", "c", "d")
VALUES = ("x", "y", "xy", "é")
rules = st.builds(
    TagRule,
    st.booleans(),
    st.none() | st.lists(st.sampled_from(VALUES), min_size=1, unique=True).map(tuple),
    st.sampled_from([None, "x|y", "x.*", "[^x]+"]),
    st.none(),
)
policies = st.builds(TagPolicySet, st.dictionaries(st.sampled_from(NAMES), rules), st.booleans())
tags = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES))


def rule(*, required: bool = False, values: tuple[str, ...] | None = None, pattern: str | None = None) -> TagRule:
    """A rule that says only this."""
    return TagRule(required, values, pattern, None)


def fields(policy: TagPolicySet) -> dict[str, str]:
    """What is wrong with a policy, by field."""
    return {one.field: one.message for one in policy_faults(policy)}


def allowed(policy: TagPolicySet, name: str, value: str) -> bool:
    """The same as `tag_faults` says of one tag, in the plainest way."""
    if name not in policy.tags:
        return not policy.closed
    held = policy.tags[name]
    fits = held.pattern is None or re.fullmatch(held.pattern, value) is not None
    return fits and (held.values is None or value in held.values)


@given(policies, tags)
def test_a_key_keeps_it_when_each_tag_is_allowed_and_no_required_one_is_missing(
    policy: TagPolicySet, given_tags: Mapping[str, str]
) -> None:
    wrong = {name for name, value in given_tags.items() if not allowed(policy, name, value)}
    wrong |= {name for name, held in policy.tags.items() if held.required and name not in given_tags}
    assert {one.field for one in key_faults(policy, given_tags)} == {f"tags.{name}" for name in wrong}


@given(policies, st.dictionaries(st.sampled_from(NAMES), st.none() | st.sampled_from(VALUES)))
def test_an_edit_is_judged_by_what_it_sets_and_removes(policy: TagPolicySet, delta: Mapping[str, str | None]) -> None:
    wrong = {
        name
        for name, value in delta.items()
        if (name in policy.tags and policy.tags[name].required if value is None else not allowed(policy, name, value))
    }
    assert {one.field for one in tag_faults(policy, delta)} == {f"tags.{name}" for name in wrong}


def test_a_fault_says_what_is_allowed() -> None:
    policy = TagPolicySet(
        {
            "tier": rule(required=True, values=("gold", "silver")),
            "id": rule(pattern="[a-z]+"),
            "many": rule(values=tuple(f"v{n}" for n in range(12))),
        },
        closed=True,
    )
    said = {one.field: one.message for one in key_faults(policy, {"id": "A", "many": "w", "other": "x"})}
    assert said == {
        "tags.tier": "the tag policy requires it",
        "tags.id": "the tag policy allows what matches [a-z]+",
        "tags.many": "the tag policy allows v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 and 2 more",
        "tags.other": "the tag policy allows only id, many, tier",
    }
    (removed,) = tag_faults(policy, {"tier": None, "id": None})
    assert (removed.field, removed.message) == ("tags.tier", "the tag policy requires it: give it another value")
    (closed,) = key_faults(TagPolicySet({}, closed=True), {"a": "b"})
    assert closed.message == "the tag policy allows no tags"


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        (TagPolicySet({"day": rule()}, closed=False), "tags.day"),
        (TagPolicySet({"": rule()}, closed=False), "tags."),
        (TagPolicySet({"a": rule(values=())}, closed=False), "tags.a.values"),
        (TagPolicySet({"a": rule(values=("x", "x"))}, closed=False), "tags.a.values.1"),
        (TagPolicySet({"a": rule(values=(" x",))}, closed=False), "tags.a.values.0"),
        (TagPolicySet({"a": rule(values=("x",), pattern="y")}, closed=False), "tags.a.values.0"),
        (TagPolicySet({"a": rule(pattern="")}, closed=False), "tags.a.pattern"),
        (TagPolicySet({"a": rule(pattern="x" * (MAX_PATTERN + 1))}, closed=False), "tags.a.pattern"),
        (TagPolicySet({"a": rule(pattern="(")}, closed=False), "tags.a.pattern"),
        (TagPolicySet({"a": rule(pattern="(?=x)")}, closed=False), "tags.a.pattern"),
        (TagPolicySet({"a": rule(pattern="(.{500}){500}")}, closed=False), "tags.a.pattern"),
        (TagPolicySet({"a": rule(pattern="a\x00")}, closed=False), "tags.a.pattern"),
        (TagPolicySet({"a": TagRule(False, None, None, "\x07")}, closed=False), "tags.a.description"),
        (TagPolicySet({f"t{n}": rule() for n in range(MAX_NAMES + 1)}, closed=False), "tags"),
        (TagPolicySet({f"t{n}": rule(required=True) for n in range(65)}, closed=False), "tags"),
        (TagPolicySet({"a": rule(values=tuple(map(str, range(MAX_VALUES + 1))))}, closed=False), "tags"),
    ],
)
def test_a_policy_that_can_not_hold_is_refused_by_field(policy: TagPolicySet, wrong: str) -> None:
    assert list(fields(policy)) == [wrong]


def test_what_is_wrong_with_a_pattern_is_said() -> None:
    assert fields(TagPolicySet({"a": rule(pattern="(")}, closed=False)) == {
        "tags.a.pattern": "is no pattern in RE2 syntax: missing ): ("
    }


def test_a_pattern_takes_no_longer_than_the_text() -> None:
    """Python's own takes minutes for this one."""
    began = monotonic()
    assert not matches("(a+)+b", "a" * 250)
    assert monotonic() - began < 1


def test_a_pattern_is_of_the_whole_value() -> None:
    assert matches("a|b", "b")
    assert not matches("a|b", "ab")
    assert not matches("a", "a\n")
    assert matches(r"\p{Greek}{2}", "αβ")
