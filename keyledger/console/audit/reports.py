"""Long answers of the API, which come as lines: read to their end, for a page that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from keyledger.client.call import query_of
from keyledger.client.errors import UnexpectedAnswer, problem_of
from keyledger.client.transport import reply_of
from keyledger.console.visit import Visit

# A page shows no more than this; the command line has all.
SHOWN: Final = 500


@dataclass(slots=True)
class Report:
    """What came: the first findings and items, how many more there were, and the result, or why there is none."""

    findings: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    more: int = 0
    result: dict[str, Any] | None = None
    error: str | None = None


async def ask_report(visit: Visit, path: str, **query: Any) -> Report:
    """The report of a path. Raises ClientError where it is refused; what fails later is in the report."""
    reply = reply_of(await visit.client.http.get(path, params=query_of(**query)))
    if reply.status != 200:
        raise problem_of(reply.status, reply.headers, reply.content)
    report = Report()
    for line in reply.content.splitlines():
        _take(report, line)
    if report.result is None and report.error is None:
        report.error = "the answer was cut off: try again"
    return report


def _take(report: Report, line: bytes) -> None:
    try:
        said: Mapping[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise UnexpectedAnswer("a line of the answer can't be read") from None
    if "result" in said:
        report.result = said["result"]
    elif "error" in said:
        report.error = str(said["error"])
    elif "finding" in said:
        _keep(report, report.findings, said["finding"])
    elif "item" in said:
        _keep(report, report.items, said["item"])


def _keep(report: Report, kept: list[dict[str, Any]], one: dict[str, Any]) -> None:
    if len(kept) < SHOWN:
        kept.append(one)
    else:
        report.more += 1
