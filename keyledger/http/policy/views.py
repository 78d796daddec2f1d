"""The tag policy, and a report on keys, as answers show them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.policy.rules import OPEN
from registry.policy.service import PolicyAnswer, PolicyReport


@dataclass(frozen=True, slots=True)
class TagRuleOut:
    """What holds for the tag of a name."""

    required: bool
    values: list[str] | None
    pattern: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class TagPolicyOut:
    """The tag policy that counts; version 0 where none was ever set, and all is allowed."""

    tags: dict[str, TagRuleOut]
    closed: bool
    set_at: datetime | None
    position: int
    version: int


@dataclass(frozen=True, slots=True)
class BreachOut:
    """What is against the policy in a tag; of a change that is scheduled, with its position."""

    field: str
    message: str
    scheduled_position: int | None


@dataclass(frozen=True, slots=True)
class BreakingKey:
    """A key that breaks the policy, and by what."""

    public_id: str
    breaches: list[BreachOut]


@dataclass(frozen=True, slots=True)
class PolicyReportOut:
    """The keys that break a policy: all are counted, the first 1,000 by id are listed. Revoked ones are left out."""

    checked: int
    breaking: int
    items: list[BreakingKey]
    position: int


def policy_out(made: PolicyAnswer) -> TagPolicyOut:
    """The policy of an answer."""
    state = made.state
    policy = OPEN if state is None else state.policy
    rules = {
        name: TagRuleOut(
            rule.required, None if rule.values is None else list(rule.values), rule.pattern, rule.description
        )
        for name, rule in policy.tags.items()
    }
    if state is None:
        return TagPolicyOut(rules, policy.closed, None, 0, 0)
    return TagPolicyOut(rules, policy.closed, state.set_at, state.position, state.version)


def report_out(report: PolicyReport) -> PolicyReportOut:
    """A report."""
    items = [
        BreakingKey(
            public_id, [BreachOut(one.fault.field, one.fault.message, one.scheduled_position) for one in breaches]
        )
        for public_id, breaches in report.keys
    ]
    return PolicyReportOut(report.checked, report.breaking, items, report.position)
