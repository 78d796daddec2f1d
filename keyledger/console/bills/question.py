"""The question of a bill as its pages have it: in the address, so that it can be sent to somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.datastructures import QueryParams

from keyledger.client.call import Call, Instant
from keyledger.client.calls import show_bill
from keyledger.client.model.bills import Bill
from keyledger.console.addresses import filled
from keyledger.console.bills.periods import NoPeriod, Period, instant_of, month_after, month_at, of_month, zone_of

TIMES: Final = ("hour", "day", "month")
_TEXTS: Final = ("month", "since", "until", "key", "known_at", "usage_known_at")
_DEFAULT_GROUP: Final = ("customer_id",)


@dataclass(frozen=True, slots=True)
class BillQuestion:
    """What is asked. Without a period, `faults` say by field why there is none.

    `month`, `since` and `until` are the fields as they were filled in. `is_default` is whether nobody said by what to
    group. Positions are texts: the API says what is wrong with one.
    """

    month: str
    since: str
    until: str
    time_zone: str
    group_by: tuple[str, ...]
    is_default: bool
    tag: tuple[str, ...]
    key: str
    known_at: str
    usage_known_at: str
    period: Period | None
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def instants(self) -> Period:
        """The period of a question that has one."""
        assert self.period is not None  # noqa: S101 - pages ask only where there are no faults
        return self.period

    def call(self, group_by: Sequence[str] | None = None) -> Call[Bill]:
        """The bill, or the same grouped by other names."""
        since: Instant = self.instants.since
        until: Instant = self.instants.until
        names = self.group_by if group_by is None else group_by
        call = show_bill(since=since, until=until, group_by=names, tag=self.tag, time_zone=self.time_zone)
        named = {"key": self.key, "known_at": self.known_at, "usage_known_at": self.usage_known_at}
        return call.asking(**{name: value or None for name, value in named.items()})

    def group_fields(self) -> list[str]:
        """What the form's fields for names have: one for all, or one each where a name has a comma in it."""
        if any("," in name for name in self.group_by):
            return [*self.group_by, ""]
        return [", ".join(self.group_by)]

    def address(self, page: str = "", **more: str | Sequence[str] | None) -> str:
        """The address of a page of bills under this question; `more` are further parameters, or others."""
        period = {"since": self.since, "until": self.until} if self.since or self.until else {"month": self.month}
        asked: dict[str, Any] = {
            **period,
            "time_zone": "" if self.time_zone == "UTC" else self.time_zone,
            "group_by": self.group_fields(),
            "tag": self.tag,
            "key": self.key,
            "known_at": self.known_at,
            "usage_known_at": self.usage_known_at,
            **more,
        }
        # An empty group_by says that there is none; anything else that is empty is left out.
        kept = {name: value for name, value in asked.items() if value or name == "group_by"}
        return f"/console/bills{page}?{urlencode(kept, doseq=True)}"

    def line_address(self, by: Mapping[str, str | None], bucket: str) -> str:
        """The inferences behind a line; without names, behind all lines."""
        named = [name if value is None else f"{name}:{value}" for name, value in by.items()]
        asked = self if named else self.grouped_by()
        return asked.address("/inferences", by=named, bucket="" if bucket == "keyed" else bucket)

    def bucket_address(self, bucket: str) -> str:
        """The inferences of a part of the coverage, which is of whatever tags."""
        return replace(self.grouped_by(), tag=()).line_address({}, bucket)

    def of_month(self, month: str) -> BillQuestion:
        """The same of a whole month."""
        return replace(self, month=month, since="", until="", period=of_month(month, zone_of(self.time_zone)))

    def year_address(self) -> str:
        """The twelve months until the end of this one, month by month."""
        since, until = f"{month_after(self.month, -11)}-01", f"{month_after(self.month)}-01"
        return replace(self.grouped_by("month"), since=since, until=until).address()

    def grouped_by(self, *names: str) -> BillQuestion:
        """The same, grouped by other names."""
        return replace(self, group_by=names)


def read_question(query: QueryParams, now: datetime) -> BillQuestion:
    """The question in an address; what it leaves out is the month of now, in UTC, by customer."""
    texts = {name: query.get(name, "").strip() for name in _TEXTS}
    zone = query.get("time_zone", "").strip() or "UTC"
    if texts["since"] or texts["until"]:
        texts["month"] = ""
    elif not texts["month"]:
        texts["month"] = month_at(now, zone_of(zone))
    period, faults = _period(texts, zone)
    return BillQuestion(
        **texts,
        time_zone=zone,
        group_by=_names(query.getlist("group_by")) if "group_by" in query else _DEFAULT_GROUP,
        is_default="group_by" not in query,
        tag=tuple(filled(query.getlist("tag"))),
        period=period,
        faults=faults,
    )


async def _asked(request: Request) -> BillQuestion:
    return read_question(request.query_params, datetime.now(UTC))


Asked = Annotated[BillQuestion, Depends(_asked)]


def _names(given: Sequence[str]) -> tuple[str, ...]:
    """Names that one field has with commas between them, or of several fields one each, as a name may have a comma."""
    return tuple(filled(given if len(given) > 1 else ",".join(given).split(",")))


def _period(texts: Mapping[str, str], zone_name: str) -> tuple[Period | None, dict[str, str]]:
    zone, faults, ends = zone_of(zone_name), {}, []
    if texts["month"]:
        try:
            return of_month(texts["month"], zone), {}
        except NoPeriod as fault:
            return None, {fault.field: fault.message}
    for name in ("since", "until"):
        try:
            if not texts[name]:
                raise NoPeriod(name, "is required: a period has both ends")
            ends.append(instant_of(texts[name], zone, name))
        except NoPeriod as fault:
            faults[fault.field] = fault.message
    return (None, faults) if faults else (Period(ends[0], ends[1]), {})
