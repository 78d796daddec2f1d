"""What people type into the console's forms is what the API is asked for, and what is shown to them again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from keyledger.client.errors import Refused
from keyledger.client.model.policy import TagPolicy, TagRule
from keyledger.client.model.prices import Price
from keyledger.console.admin.policy import TypedPolicy, typed_policy
from keyledger.console.admin.tokens import TypedToken
from keyledger.console.prices.changes import TypedPrice, typed_price
from keyledger.console.visit import Form

_AT = datetime(2026, 3, 1, tzinfo=UTC)


def _price(**changed: Any) -> Price:
    given: dict[str, Any] = {
        "price_id": "llama-gold",
        "model": "llama",
        "provider": None,
        "tags": {"billing_tier": "gold"},
        "currency": "EUR",
        "per_million": {"input": Decimal("0.150"), "output": Decimal("0.000000000000000001")},
        "per_inference": None,
        "cost_multiplier": None,
        "status": "active",
        "effective_at": _AT,
        "scheduled": [],
        "position": 7,
        "version": 1,
    }
    return Price(**{**given, **changed})


def _rules(*rows: tuple[str, str, str, str, str]) -> Form:
    names = ("rule_name", "rule_required", "rule_values", "rule_pattern", "rule_description")
    return Form([field for row in rows for field in zip(names, row, strict=True)])


def test_a_price_comes_back_from_its_form_digit_for_digit() -> None:
    """A new version that changes nothing must charge the same."""
    call = TypedPrice.of(Form(typed_price(_price()).hidden)).call()
    assert call.path == "/admin/prices/llama-gold"
    assert call.body == {
        "model": "llama",
        "provider": None,
        "tags": {"billing_tier": "gold"},
        "currency": "EUR",
        "per_million": {"input": "0.150", "output": "0.000000000000000001"},
    }
    assert call.query == {}


def test_only_the_same_price_counts_as_sent_twice() -> None:
    """Another price of the id must not be changed by the form for a new one."""
    typed = TypedPrice.of(Form(typed_price(_price()).hidden))
    assert typed.is_that(_price())
    assert not typed.is_that(_price(currency="USD"))
    assert not typed.is_that(_price(tags={"billing_tier": "silver"}))


@pytest.mark.parametrize("price_id", ["", ".", "..", "a/b", "a b"])
def test_an_id_that_would_be_another_path_is_refused_at_its_field(price_id: str) -> None:
    with pytest.raises(Refused) as refused:
        TypedPrice.of(Form([("price_id", price_id)])).call()
    assert list(refused.value.messages()) == ["price_id"]


def test_a_tag_that_is_there_twice_is_refused() -> None:
    """Neither of two values may win in silence: the token could see another customer's keys."""
    rows = [("tag_name", "customer_id"), ("tag_value", "acme"), ("tag_name", "customer_id"), ("tag_value", "globex")]
    with pytest.raises(Refused) as refused:
        TypedToken.of(Form([("name", "portal"), ("scope", "keys:read"), *rows])).call()
    assert refused.value.messages() == {"confined_to.tags.customer_id": "is there twice"}


def test_a_token_is_confined_by_what_is_filled_in_alone() -> None:
    form = [("name", "portal"), ("scope", "keys:read"), ("scope", "billing:read"), ("tag_name", ""), ("tag_value", "")]
    assert TypedToken.of(Form(form)).call().body == {"name": "portal", "scopes": ["keys:read", "billing:read"]}
    confined = TypedToken.of(Form([*form, ("tag_name", "customer_id"), ("tag_value", "acme")])).call().body
    assert confined["confined_to"] == {"tags": {"customer_id": "acme"}}


@pytest.mark.parametrize(
    "values", [["gold", "silver"], ["a,b", "c"], ['say "hi"', "x"], ["a, b"], ["'", " in between "]]
)
def test_the_values_of_a_policy_come_back_from_its_form(values: list[str]) -> None:
    """An edit of one rule must not change what another allows."""
    kept = [one.strip() for one in values]
    shown = TagPolicy(
        tags={"tier": TagRule(required=True, values=kept, pattern=None, description=None)},
        closed=False,
        set_at=_AT,
        position=3,
        version=1,
    )
    assert typed_policy(shown).rules() == {"tier": {"required": True, "values": kept}}


def test_rows_of_a_policy_that_were_emptied_are_no_rules() -> None:
    form = _rules(("customer_id", "yes", "", "[a-z]+", "the id"), ("", "yes", "", "", ""), ("", "", "", "", ""))
    assert TypedPolicy.of(form).rules() == {
        "customer_id": {"required": True, "pattern": "[a-z]+", "description": "the id"}
    }


def test_a_rule_that_is_there_twice_and_quotes_that_do_not_end_are_refused() -> None:
    for form in (_rules(("a", "", "x", "", ""), ("a", "yes", "", "", "")), _rules(("a", "", 'x, "y', "", ""))):
        with pytest.raises(Refused) as refused:
            TypedPolicy.of(form).rules()
        assert next(iter(refused.value.messages())).startswith("tags.a")
