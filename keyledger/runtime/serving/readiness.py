"""Whether a process, or a part of the installation, is ready, judged by a status. Pure.

A process is ready when it can do its own work. For those that serve the API this is the write path: a balancer must not
take revocation away because bills can't be made. What others do wrong is an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from keyledger.runtime.serving.health import Health
from keyledger.runtime.status import Status
from projections.ledger.alarms import Alarm
from registry.errors import KeyledgerError
from registry.parts.part import Part

# What one can ask about: any part, and whether bills can be made.
AskedPart = Literal[Part, "billing"]


def fault_of(status: Status, health: Health, part: AskedPart | None = None, *, full: bool = True) -> str | None:
    """Why the part, or the process itself where none is named, is not ready; None where it is.

    Not `full`, it names no hosts and users, and nothing that other servers said.
    """
    if part is None or part == health.part:
        return _fault_of_process(status, health, full=full) or (part and _first(status, part, full=full))
    if part == "billing" and not status.reads_clickhouse:
        if health.part == "serve":
            return "no bill is made: no ClickHouse is set; set KEYLEDGER_CLICKHOUSE_URL"
        return "this process does not read ClickHouse: ask keyledger serve"
    fault = _first(status, part, full=full)
    if fault is None and part != "billing" and not any(one.part == part for one in status.parts):
        return f"no {part} runs: none has given a sign of life"
    return fault


def parts_known(status: Status, health: Health) -> Sequence[AskedPart]:
    """The parts that the process can say something about."""
    billing: set[AskedPart] = {"billing"} if status.reads_clickhouse else set()
    seen = {one.part for one in status.parts} | {one.part for one in status.alarms}
    return sorted({health.part, *billing, *(part for part in get_args(Part) if part in seen)})


def _fault_of_process(status: Status, health: Health, *, full: bool) -> str | None:
    if health.part == "serve":
        return _first(status, "serve", full=full)
    failure = health.failure()
    if failure is not None:
        return failure.public if isinstance(failure, KeyledgerError) and not full else str(failure)
    down = [_detail(one, full=full) for one in status.alarms if one.kind == "clickhouse_down"]
    return down[0] if down and health.part in ("projector", "collector") else None


def _first(status: Status, part: str, *, full: bool) -> str | None:
    return next((f"{_detail(one, full=full)}; {one.fix}" for one in status.alarms if one.part == part), None)


def _detail(alarm: Alarm, *, full: bool) -> str:
    return alarm.detail if full else alarm.public
