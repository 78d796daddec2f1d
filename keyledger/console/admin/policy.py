"""The tag policy: what holds, and a form that says which keys would break another one before it is set."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, replace
from typing import Any

from fastapi.responses import Response

from keyledger.client.calls import set_tag_policy, show_tag_policy, try_tag_policy
from keyledger.client.errors import Problem, VersionMismatch
from keyledger.client.model.policy import PolicyReport, TagPolicy
from keyledger.console.answers import see_other
from keyledger.console.refusals import MENDABLE, refused, whole
from keyledger.console.routing import LoggedIn, page_router
from keyledger.console.visit import Form, Visit

router = page_router()


@dataclass(frozen=True, slots=True)
class Row:
    """The rule of a tag as it stands in the form. A value with a comma in it has quotes around it, as in CSV."""

    name: str = ""
    required: str = ""
    values: str = ""
    pattern: str = ""
    description: str = ""

    def rule(self) -> dict[str, Any]:
        """The same as the API takes it. Raises Refused."""
        given: dict[str, Any] = {"required": self.required == "yes"}
        if self.values:
            given["values"] = _split(self.values, f"tags.{self.name}.values")
        return given | {name: text for name in ("pattern", "description") if (text := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class TypedPolicy:
    """A policy as it stands in the form, and the version that it is to replace."""

    rows: list[Row]
    closed: bool
    version: str
    reason: str = ""

    @classmethod
    def of(cls, form: Form) -> TypedPolicy:
        """What was typed. A row with nothing but its choice of required is empty."""
        names = ("name", "required", "values", "pattern", "description")
        rows = [Row(*texts) for texts in form.rows(*(f"rule_{name}" for name in names))]
        kept = [one for one in rows if any((one.name, one.values, one.pattern, one.description))]
        return cls(kept, form.get("closed") == "yes", form.get("version"), form.get("reason"))

    def rules(self) -> dict[str, dict[str, Any]]:
        """The rules by name of tag. Raises Refused."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            if row.name in found:
                raise refused(f"tags.{row.name}", "is there twice")
            found[row.name] = row.rule()
        return found


@router.get("/policy")
async def policy(visit: LoggedIn) -> Response:
    """The policy that counts."""
    return visit.page("policy/policy.html", policy=await visit.ask(show_tag_policy()))


@router.get("/policy/edit")
async def edit(visit: LoggedIn) -> Response:
    """A form with the policy that counts."""
    return _form(visit, typed_policy(await visit.ask(show_tag_policy())))


@router.post("/policy")
async def try_or_set(visit: LoggedIn) -> Response:
    """Say which keys would break what was typed, or set it where nobody has set another one meanwhile."""
    form = await visit.form()
    typed = TypedPolicy.of(form)
    try:
        rules = typed.rules()
        if form.get("do") != "set":
            return _form(visit, typed, report=await visit.ask(try_tag_policy(rules, closed=typed.closed)))
        call = set_tag_policy(rules, closed=typed.closed, reason=typed.reason or None)
        await visit.ask(call.if_match(whole(typed.version, "version")) if typed.version else call)
    except VersionMismatch as problem:
        # What counts now may be looked at in another window; set once more, what was typed takes its place.
        newer = await visit.ask(show_tag_policy())
        return _form(visit, replace(typed, version=str(newer.version)), problem)
    except MENDABLE as problem:
        return _form(visit, typed, problem)
    return see_other("/console/policy")


def _form(
    visit: Visit, typed: TypedPolicy, problem: Problem | None = None, report: PolicyReport | None = None
) -> Response:
    return visit.form_page(
        "policy/form.html",
        problem,
        typed=typed,
        rows=[asdict(one) for one in (*typed.rows, Row(), Row())],
        report=report,
    )


def typed_policy(shown: TagPolicy) -> TypedPolicy:
    """The form with the policy that counts."""
    rows = [
        Row(name, "yes" if one.required else "", _joined(one.values or ()), one.pattern or "", one.description or "")
        for name, one in shown.tags.items()
    ]
    return TypedPolicy(rows, shown.closed, str(shown.version))


def _joined(values: list[str] | tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue().replace(",", ", ") if not any("," in one for one in values) else line.getvalue()


def _split(text: str, field: str) -> list[str]:
    try:
        return next(csv.reader([text], skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        raise refused(field, 'must be values with commas between; "in quotes" where a value has a comma') from None
