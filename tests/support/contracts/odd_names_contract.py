"""Odd names and values in a bill: data to the last letter, whatever an engine's SQL would make of them."""

from __future__ import annotations

import pytest

from tests.support.bill_world import World, chat, instant, key_facts, model, uuid7
from tests.support.odd_texts import TAKEN, may_be_a_name
from tests.support.oracle.oracle import Fact, Row

NOON = instant("2026-03-01T12:00:00")
NAMES = [text for text in TAKEN if may_be_a_name(text)]
GROUPS = 8  # the most names that one bill may be grouped by


def value_of(name: str) -> str:
    """The value of the tag of that name: no other tag has it."""
    return f"{name} is its name"


async def fill(world: World) -> None:
    """A key of each text: as the name of a tag, as its value and as that of another. Each is used once."""
    facts: list[Fact] = []
    rows: list[Row] = []
    for number, text in enumerate(TAKEN):
        key = f"odd{number:09}"
        facts += key_facts(key, number + 1, NOON - 1000, customer_id=text)
        if text in NAMES:
            facts.append(Fact(number + 1, NOON - 1000, "tag", key, tag=text, value=value_of(text)))
        used = uuid7(NOON, number)
        rows += [chat(used, key, function=text), model(uuid7(NOON + 1, number), used, model_name=text)]
    await world.write(facts)
    await world.serve([row for row in rows if row["table"] == "ChatInference"])
    await world.serve([row for row in rows if row["table"] == "ModelInference"])


def by_labels(bill: dict[str, object]) -> dict[tuple[str | None, ...], tuple[int, str]]:
    """Of each line: its labels, its inferences and its cost."""
    lines = bill["lines"]
    assert isinstance(lines, list)
    return {tuple(line["by"].values()): (line["inferences"], line["cost_usd"]) for line in lines}


async def test_every_odd_value_has_its_own_line_with_its_own_money(world: World) -> None:
    await fill(world)
    assert len(TAKEN) == len(set(TAKEN)) > 100
    bill = await world.bill(group_by=("customer_id", "model", "function"))
    assert by_labels(bill) == {(text, text, text): (1, "0.001") for text in TAKEN}
    for text in TAKEN[::50]:
        filtered = await world.bill(group_by=("model",), tags=(("customer_id", text),))
        assert by_labels(filtered) == {(text,): (1, "0.001")}, text


async def test_one_key_s_odd_values_are_billed_each_at_its_instant(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one key the times are read first and bound as a text; where that would be too long they are not."""
    key, texts = "odd000000000", [*TAKEN, None, "again"]
    facts = key_facts(key, 1, NOON - 1)
    facts += [Fact(2 + n, NOON + n, "tag", key, tag="customer_id", value=text) for n, text in enumerate(texts)]
    await world.write(facts)
    await world.serve([chat(uuid7(NOON + n, n), key) for n, _ in enumerate(texts)])
    for length in (50_000, 0):
        monkeypatch.setattr("projections.billing.statement.ways._TIMELINE_LENGTH", length)
        bill = await world.bill(group_by=("customer_id",), key=key)
        assert {line["by"]["customer_id"]: line["inferences"] for line in bill["lines"]} == dict.fromkeys(texts, 1)


@pytest.mark.long  # of the same way, the contract of the bill has one name in `make test`
async def test_a_bill_grouped_by_odd_names_is_right_for_each(world: World) -> None:
    await fill(world)
    for first in range(0, len(NAMES), GROUPS):
        names = NAMES[first : first + GROUPS]
        lines = by_labels(await world.bill(group_by=tuple(names)))
        alone = {tuple(value_of(one) if one == name else None for one in names): (1, "0.001") for name in names}
        nobody = (None,) * len(names)
        rest = len(TAKEN) - len(names)
        assert lines == {**alone, nobody: (rest, f"{rest / 1000:.3f}".rstrip("0"))}, names


async def test_an_odd_text_comes_back_from_the_engine_as_a_parameter_and_as_a_row(world: World) -> None:
    for text in TAKEN:
        assert await world.clickhouse.query("SELECT {value:String}", {"value": text}) == [(text,)], text


async def test_names_that_are_not_utf8_are_lines_of_their_own(world: World) -> None:
    """Something else than the gateway may have written them. JSON has no bytes, and no two names may look alike."""
    names = ("'ff'", "unhex('ff')", "unhex('fe')", "'not UTF-8: FF'", "unhex('ff00')")
    await world.write(key_facts("odd000000000", 1, NOON - 1000))
    used = uuid7(NOON)
    await world.serve([chat(used, "odd000000000")])
    for number, name in enumerate(names):
        row = f"('{uuid7(NOON, number)}', '{used}', {name}, {name}, {number + 1})"
        columns = "id, inference_id, model_name, model_provider_name, cost"
        await world.clickhouse.command(f"INSERT INTO {world.names.gateway}.ModelInference ({columns}) VALUES {row}")
    await world.collect()
    bill = await world.bill(group_by=("model", "provider"))
    labels = ("ff", "not UTF-8: FF", "not UTF-8: FE", "not UTF-8: 6E6F74205554462D383A204646", "not UTF-8: FF00")
    assert by_labels(bill) == {(label, label): (1, str(number)) for number, label in enumerate(labels, 1)}
