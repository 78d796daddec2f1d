"""What the tag policy says of tags, and what a policy may say. Pure.

An edit is held to the policy by what it sets and removes. So a key from before the policy can be mended one tag at a
time, and nothing that a request does not touch keeps it from being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from registry.errors import FieldFault
from registry.keys.tags import MAX_TAGS, name_fault, value_fault
from registry.keys.texts.text import text_fault
from registry.policy.events import TagPolicySet, TagRule
from registry.policy.patterns import matches, pattern_fault

# Names that a policy has rules for, and values that it lists for all of them: it is read with each write of a key.
MAX_NAMES: Final = 256
MAX_VALUES: Final = 2000
_NAMED: Final = 10
OPEN: Final = TagPolicySet({}, closed=False)  # before one was set: all is allowed


def tag_faults(policy: TagPolicySet, delta: Mapping[str, str | None]) -> list[FieldFault]:
    """What is against the policy in tags that are set, or removed (None)."""
    found = ((name, _fault(policy, name, value)) for name, value in delta.items())
    return [FieldFault(f"tags.{name}", why) for name, why in found if why is not None]


def key_faults(policy: TagPolicySet, tags: Mapping[str, str]) -> list[FieldFault]:
    """What is against the policy in all the tags of a key."""
    missing = sorted(name for name, rule in policy.tags.items() if rule.required and name not in tags)
    return [*tag_faults(policy, tags), *(FieldFault(f"tags.{name}", "the tag policy requires it") for name in missing)]


def policy_faults(policy: TagPolicySet) -> list[FieldFault]:
    """What is wrong with a policy."""
    faults = []
    if len(policy.tags) > MAX_NAMES:
        return [FieldFault("tags", f"has rules for at most {MAX_NAMES} names")]
    if sum(len(rule.values or ()) for rule in policy.tags.values()) > MAX_VALUES:
        return [FieldFault("tags", f"lists at most {MAX_VALUES} values in all: use a pattern")]
    if sum(rule.required for rule in policy.tags.values()) > MAX_TAGS:
        faults.append(FieldFault("tags", f"requires too many: a key has at most {MAX_TAGS} tags"))
    for name, rule in policy.tags.items():
        at = f"tags.{name[:200]}"
        if why := name_fault(name):
            faults.append(FieldFault(at, f"the tag's name {why}"))
        faults += [FieldFault(f"{at}.{field}", why) for field, why in _rule_faults(rule)]
    return faults


def _fault(policy: TagPolicySet, name: str, value: str | None) -> str | None:
    rule = policy.tags.get(name)
    if rule is None:
        allowed = f"only {_listed(sorted(policy.tags))}" if policy.tags else "no tags"
        return f"the tag policy allows {allowed}" if policy.closed and value is not None else None
    if value is None:
        return "the tag policy requires it: give it another value" if rule.required else None
    if rule.values is not None and value not in rule.values:
        return f"the tag policy allows {_listed(rule.values)}"
    if rule.pattern is not None and not matches(rule.pattern, value):
        return f"the tag policy allows what matches {rule.pattern}"
    return None


def _rule_faults(rule: TagRule) -> Iterator[tuple[str, str]]:
    pattern_why = None if rule.pattern is None else pattern_fault(rule.pattern)
    if pattern_why is not None:
        yield "pattern", pattern_why
    if rule.description is not None and (why := text_fault(rule.description)):
        yield "description", why
    if rule.values is None:
        return
    if not rule.values:
        yield "values", "must name one value at least; leave it out to allow any"
    for number, value in enumerate(rule.values):
        if why := value_fault(value):
            yield f"values.{number}", why
        elif value in rule.values[:number]:
            yield f"values.{number}", "is listed twice"
        elif rule.pattern is not None and pattern_why is None and not matches(rule.pattern, value):
            yield f"values.{number}", "does not match the pattern"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    shown = ", ".join(every[:_NAMED])
    return shown if len(every) <= _NAMED else f"{shown} and {len(every) - _NAMED} more"
