"""Set and end prices. Where that would change bills that are there, it is first shown how, and asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from fastapi.responses import Response

from keyledger.client.call import Call
from keyledger.client.calls import end_price, set_price, show_price, what_if
from keyledger.client.errors import NotFound, Problem
from keyledger.client.model.prices import Price
from keyledger.console.answers import see_other
from keyledger.console.refusals import MENDABLE, pairs, refused
from keyledger.console.routing import LoggedIn, PathId, page_router
from keyledger.console.visit import Form, Visit
from registry.instant import parse_instant
from registry.prices.terms import COUNTED, PRICE_ID

router = page_router()
_KEPT: Final = ("price_id", "model", "provider")
_TERMS: Final = ("currency", *COUNTED, "per_inference", "cost_multiplier")
_WHEN: Final = ("effective_at", "reason")
_BAD_ID: Final = "must be 1 to 128 letters, digits, dots, dashes and underscores, and begin with a letter or digit"


@dataclass(frozen=True, slots=True)
class TypedPrice:
    """A price as it stands in the form. `again`: a new version of one that there is."""

    fields: dict[str, str]
    tags: list[tuple[str, ...]]
    again: bool

    @classmethod
    def of(cls, form: Form) -> TypedPrice:
        """What was typed."""
        fields = {name: form.get(name) for name in (*_KEPT, *_TERMS, *_WHEN)}
        return cls(fields, form.rows("tag_name", "tag_value"), form.get("again") == "yes")

    def call(self) -> Call[Price]:
        """The call that sets it. Raises Refused."""
        given = {name: value or None for name, value in self.fields.items()}
        if PRICE_ID.fullmatch(self.fields["price_id"]) is None:
            raise refused("price_id", _BAD_ID)
        return set_price(
            self.fields["price_id"],
            model=self.fields["model"],
            provider=given["provider"],
            tags=pairs(self.tags, "tags"),
            currency=self.fields["currency"],
            per_million={name: self.fields[name] for name in COUNTED if self.fields[name]} or None,
            per_inference=given["per_inference"],
            cost_multiplier=given["cost_multiplier"],
            effective_at=given["effective_at"],
            reason=given["reason"],
        )

    def is_that(self, price: Price) -> bool:
        """Whether a price charges just this, as after a form that was sent twice."""
        there = typed_price(price)
        names = (*_KEPT, *_TERMS)
        return [self.fields[one] for one in names] == [there.fields[one] for one in names] and self.tags == there.tags

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The fields once more, for the page that asks whether it is meant."""
        tags = [pair for name, value in self.tags for pair in (("tag_name", name), ("tag_value", value))]
        return [*self.fields.items(), *tags, ("again", "yes" if self.again else "")]


@router.get("/prices/new")
async def new_price(visit: LoggedIn) -> Response:
    """An empty form."""
    visit.session.principal.require("prices:write")
    return _form(visit, TypedPrice(dict.fromkeys((*_KEPT, *_TERMS, *_WHEN), ""), [], again=False))


@router.get("/prices/{price_id}/set")
async def new_version(visit: LoggedIn, price_id: PathId) -> Response:
    """A form with the terms of a price."""
    visit.session.principal.require("prices:write")
    return _form(visit, typed_price(await visit.ask(show_price(price_id))))


@router.post("/prices")
async def set_it(visit: LoggedIn) -> Response:
    """Set a price; one from the past on only after its page of what it does to bills was confirmed."""
    form = await visit.form()
    typed = TypedPrice.of(form)
    if form.get("change"):
        return _form(visit, typed)
    try:
        call = typed.call()
        if not typed.again:
            await _refuse_taken(visit, typed)
        if _needs_word(visit, typed.fields["effective_at"]) and not form.get("sure"):
            return await _ask(visit, call, "set", typed.fields, typed.hidden)
        await visit.ask(call)
    except MENDABLE as problem:
        return _form(visit, typed, problem)
    return see_other(_address(typed.fields["price_id"]))


@router.get("/prices/{price_id}/end")
async def ending(visit: LoggedIn, price_id: PathId) -> Response:
    """Ask from when, and why."""
    visit.session.principal.require("prices:write")
    return await _end_form(visit, price_id, dict.fromkeys(_WHEN, ""))


@router.post("/prices/{price_id}/end")
async def end_it(visit: LoggedIn, price_id: PathId) -> Response:
    """End a price, with what is scheduled after it."""
    form = await visit.form()
    typed = {name: form.get(name) for name in _WHEN}
    call = end_price(price_id, effective_at=typed["effective_at"] or None, reason=typed["reason"] or None)
    if form.get("change"):
        return await _end_form(visit, price_id, typed)
    try:
        if _needs_word(visit, typed["effective_at"]) and not form.get("sure"):
            return await _ask(visit, call, "end", {"price_id": price_id, **typed}, [*typed.items()])
        await visit.ask(call.idempotency_key(form.once))
    except MENDABLE as problem:
        return await _end_form(visit, price_id, typed, problem)
    return see_other(_address(price_id))


async def _ask(
    visit: Visit, call: Call[Price], does: str, fields: dict[str, str], hidden: list[tuple[str, str]]
) -> Response:
    """The page that says what a change does to bills. Who may not see bills is asked without them."""
    effect = await visit.ask(what_if(call)) if visit.may("billing:read") else None
    action = "/console/prices" if does == "set" else f"{_address(fields['price_id'])}/end"
    return visit.page("prices/confirm.html", does=does, action=action, typed=fields, hidden=hidden, effect=effect)


async def _end_form(visit: Visit, price_id: str, typed: dict[str, str], problem: Problem | None = None) -> Response:
    price = await visit.ask(show_price(price_id))
    return visit.form_page("prices/end.html", problem, price=price, typed=typed)


async def _refuse_taken(visit: Visit, typed: TypedPrice) -> None:
    """Raise Refused where the id is that of another price, which the form for a new one must not change."""
    try:
        there = await visit.ask(show_price(typed.fields["price_id"]))
    except NotFound:
        return
    if not typed.is_that(there):
        raise refused("price_id", "is that of another price: open it to set a new version, or take another id")


def _form(visit: Visit, typed: TypedPrice, problem: Problem | None = None) -> Response:
    return visit.form_page(
        "prices/form.html",
        problem,
        typed=typed.fields,
        tags=typed.tags,
        again=typed.again,
        counted=COUNTED,
    )


def typed_price(price: Price) -> TypedPrice:
    """The form with the terms of a price."""
    amounts: dict[str, Decimal | None] = {name: price.per_million.get(name) for name in COUNTED}
    amounts |= {"per_inference": price.per_inference, "cost_multiplier": price.cost_multiplier}
    fields = {
        "price_id": price.price_id,
        "model": price.model,
        "provider": price.provider or "",
        "currency": price.currency,
        **{name: "" if amount is None else f"{amount:f}" for name, amount in amounts.items()},
        **dict.fromkeys(_WHEN, ""),
    }
    return TypedPrice(fields, [*price.tags.items()], again=True)


def _needs_word(visit: Visit, effective_at: str) -> bool:
    """Whether it is an instant in the past, from which the person may change prices; the rest the API refuses."""
    try:
        return visit.may("prices:backdate") and parse_instant(effective_at) < datetime.now(UTC)
    except ValueError:
        return False


def _address(price_id: str) -> str:
    return f"/console/prices/{quote(price_id, safe='')}"
