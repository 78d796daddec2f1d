"""Faults in what has been applied, in words, with what to do about each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from projections.ledger.dead_letters import SWITCH, DeadLetter
from projections.ledger.presence import Missing
from projections.ledger.store import Frontier
from projections.usage.gateway_count import CountsSeen

AlarmKind = Literal[
    "dead_letter", "feed_stopped", "hole", "two_claims", "broken_chain", "log_changed", "projector_stopped",
    "publisher_stopped", "gateway_stopped", "rows_missing", "clock", "changes_refused", "clickhouse_down", "write_path",
    "part_missing", "lag",
    "rows_lost", "gateway_metrics", "collector_stopped", "webhook_waits", "webhook_dead",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that an operator must look at: what, where, and what to do.

    `part` is the one whose work it holds up, as /readyz asks for it; None where it is of no single one.
    """

    kind: AlarmKind
    detail: str
    position: int | None
    fix: str
    part: str | None = None

    @property
    def public(self) -> str:
        """The detail for callers of the API: without hosts, users, folders and the words of other servers."""
        return _PUBLIC.get(self.kind, self.detail)


_PROJECTOR: Final = "projector"
_BILLING: Final = "billing"
_WHY: Final = "`keyledger status` says why"
# The details of these hold the words of another server, or say where a process runs or a folder is.
_PUBLIC: Final[Mapping[str, str]] = {
    "clickhouse_down": f"no bill is made: ClickHouse cannot be reached, or does not answer in time; {_WHY}",
    "publisher_stopped": f"the relay can't publish; {_WHY}",
    "projector_stopped": f"the projector can't apply the next event; {_WHY}",
    "gateway_stopped": f"the gateway's table of keys can't be written; {_WHY}",
    "collector_stopped": f"usage is not collected; {_WHY}",
    "webhook_waits": f"a webhook's receiver has not taken its events; {_WHY}",
    "gateway_metrics": f"the gateway's metrics can't be read; {_WHY}",
    "changes_refused": f"only what stops a key is recorded; {_WHY}",
    "part_missing": "a part has given no sign of life for too long; `keyledger status` says which, and where",
}
_LOOK = "find out who changed the log or ClickHouse before you do anything; docs/operate.md says how to continue"


def of_frontier(frontier: Frontier, *, hole_alarm_s: float) -> list[Alarm]:
    """Alarms about what follows the applied position, and about what stopped the projector there."""
    found: list[Alarm] = []
    after = frontier.applied.position + 1
    if frontier.failure:
        fix = "fix the cause: it tries again twice a minute. If an event does not decode, run a newer version"
        found.append(Alarm("projector_stopped", frontier.failure, after, fix, _PROJECTOR))
    if frontier.next_claims > 1:
        found.append(
            Alarm("two_claims", f"different events were applied at position {after}", after, _LOOK, _PROJECTOR)
        )
    elif frontier.next_claims == 1 and not frontier.next_fits:
        found.append(Alarm("broken_chain", f"position {after} does not chain to {after - 1}", after, _LOOK, _PROJECTOR))
    elif frontier.next_present > after and frontier.waiting_s > hole_alarm_s:
        until = frontier.next_present - 1
        detail = f"{_range(after, until)} not come, and later ones have waited for {frontier.waiting_s:.0f} s"
        found.append(Alarm("hole", detail, after, f"keyledger publish --since {after} --until {until}", _PROJECTOR))
    return found


def of_missing(missing: Missing) -> list[Alarm]:
    """One alarm for each thing that is known to be missing in ClickHouse."""
    fix = "docs/operate.md, Missing rows: the ledger's are written again by themselves"
    has = "the usage journal has them, so bills are right"
    return [
        *(Alarm("rows_missing", f"{one}: no bill is made", None, fix, _BILLING) for one in missing.rows),
        *(Alarm("rows_missing", f"{one}: {has}", None, "docs/operate.md, Missing rows") for one in missing.collected),
    ]


def of_counts(seen: CountsSeen | None) -> list[Alarm]:
    """Alarms about inferences that the gateway counted and that have no row, and about a count that can't be read."""
    if seen is None:
        return []
    found: list[Alarm] = []
    if (worst := seen.worst) is not None:
        detail = (
            f"of {worst.counted} inferences that the gateway counted from {worst.since:%Y-%m-%d %H:%M:%S} to "
            f"{worst.until:%Y-%m-%d %H:%M:%S} UTC, {worst.lost} have no row: they failed, or their rows are lost"
        )
        found.append(Alarm("rows_lost", detail, None, "docs/gateways/tensorzero.md, Lost rows"))
    if seen.latest.failure:
        fix = "mend what it says: until then lost rows are not noticed"
        found.append(Alarm("gateway_metrics", seen.latest.failure, None, fix))
    return found


def of_letters(letters: Sequence[DeadLetter], count: int, limit: int) -> list[Alarm]:
    """One alarm per given open dead letter, and one more if so many are open that consumption has stopped."""
    found = [_of_letter(one) for one in letters]
    if count > limit:
        detail = f"{count} dead letters are open, more than {limit}: the Kafka feed has stopped"
        fix = "inspect them (keyledger dead-letters list), then keyledger dead-letters waive --all --reason …"
        found.insert(0, Alarm("feed_stopped", detail, None, fix, _PROJECTOR))
    return found


def _of_letter(one: DeadLetter) -> Alarm:
    held = f"; nothing beyond position {one.held_position} is applied" if one.holds else ""
    if one.kind == SWITCH:
        # Nothing to waive: half of the tables may be the new ones, and only the switch itself knows what is missing.
        again = f"if it does not end by itself: keyledger audit replay --into {one.id.split('/')[1]} --switch"
        return Alarm("dead_letter", f"{one.detail}{held}", None, again, _PROJECTOR)
    fix = f"keyledger dead-letters waive {one.id} --reason …"
    return Alarm(
        "dead_letter",
        f"{one.id} ({one.kind}) {one.detail}{held}",
        one.position or None,
        fix,
        _PROJECTOR if one.holds else None,
    )


def _range(first: int, last: int) -> str:
    return f"position {first} has" if first == last else f"positions {first} to {last} have"
