"""Files of prices: each row is a price, left out with a reason, or wrong with its line; no number changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.errors import FieldsRefused
from registry.prices.importing.csv_file import read_csv
from registry.prices.importing.litellm import read_litellm
from registry.prices.importing.rows import PriceRow, Wanted, read_prices
from registry.prices.importing.toml_file import read_toml
from registry.prices.terms import NewPrice, Terms

READERS = {".csv": read_csv, ".toml": read_toml, ".json": read_litellm}
EXCERPT = Path(__file__).parents[1] / "support" / "prices" / "litellm_excerpt.json"
CSV = """price_id,model,provider,currency,input,output,per_inference,cost_multiplier,tag:billing_tier,tag:Größe
llama-gold,llama-3.3-70b,vllm,EUR,0.15,0.600000000000000001,,,gold,"ä, ""b"" c"

any,*,,USD,,,,1.20,,
"""
TOML = """
# Our own models
[llama-gold]
model = "llama-3.3-70b"
provider = "vllm"
currency = "EUR"
tags = { billing_tier = "gold", "Größe" = 'ä, "b" c' }
per_million = { input = 0.15, output = "0.600000000000000001" }

["any"]
model = "*"
currency = "USD"
cost_multiplier = 1.20
"""
GOLD = NewPrice(
    "llama-gold",
    "llama-3.3-70b",
    "vllm",
    {"billing_tier": "gold", "Größe": 'ä, "b" c'},
    Terms("EUR", {"input": "0.15", "output": "0.600000000000000001"}, None, None),
)
ANY = NewPrice("any", "*", None, {}, Terms("USD", {}, None, "1.20"))


def read(folder: Path, text: str, suffix: str, wanted: Wanted | None = None) -> list[PriceRow]:
    """The rows of a file of this text."""
    file = folder / f"prices{suffix}"
    file.write_text(text, encoding="utf-8")
    return read_prices(file, READERS, wanted or Wanted())


@pytest.mark.parametrize(("text", "suffix", "lines"), [(CSV, ".csv", [2, 4]), (TOML, ".toml", [3, 10])])
def test_each_form_gives_the_same_prices_to_the_last_digit(
    tmp_path: Path, text: str, suffix: str, lines: list[int]
) -> None:
    rows = read(tmp_path, text, suffix)
    assert [row.price for row in rows] == [GOLD, ANY]
    assert [row.line for row in rows] == lines
    assert not any(row.faults for row in rows)
    assert [row.price for row in read(tmp_path, text, suffix, Wanted(models=("llama*",)))] == [GOLD]
    assert [row.price for row in read(tmp_path, text, suffix, Wanted(providers=("vllm",)))] == [GOLD]


ROWS: list[tuple[str, str, int, str]] = [
    (".csv", "price_id,model,currency,input\na,m,EUR,1\na,m,EUR,2\n", 3, "price_id is that of line 2"),
    (".csv", "price_id,model,currency,input\na,m,EUR\n", 2, "row has 3 cells"),
    (".csv", "price_id,model,currency,input\na,m,EUR,1e-7\n", 2, "per_million.input must be a plain decimal"),
    (".csv", "price_id,model,currency,input\n,m,eur,1\n", 2, "price_id must be"),
    (".csv", "price_id,model,currency,input,tag:model\na,m,EUR,1,x\n", 2, "tags.model the tag's name is reserved"),
    (".toml", '[a]\nmodel = "m"\n\n[b]\nmodel = "m"\ncolour = 1\n', 4, "colour must be one of"),
    (".toml", '[b]\nmodel = ["m"]\n', 1, "model must be a text"),
    (".toml", "b = 1\n", 1, "row must be a table"),
    (".toml", '[b]\nmodel = "m"\ncurrency = "EUR"\nper_million = { input = true }\n', 1, "per_million must have texts"),
    (".toml", '[b]\nmodel = "m"\ncurrency = "EUR"\nper_million = { input = 1e-7 }\n', 1, "per_million.input must be a"),
]


@pytest.mark.parametrize(("suffix", "text", "line", "why"), ROWS)
def test_a_wrong_row_is_named_by_line_and_field(tmp_path: Path, suffix: str, text: str, line: int, why: str) -> None:
    wrong = [row for row in read(tmp_path, text, suffix) if row.faults and row.line == line]
    assert why in "; ".join(f"{fault.field} {fault.message}" for row in wrong for fault in row.faults)


WHOLE: list[tuple[str, str, str]] = [
    (".csv", "", "line 1 must be a header"),
    (".csv", "price_id,model,currency,colour\n", "line 1 must be a header"),
    (".csv", "price_id,model,currency,input,input\n", "line 1 must be a header"),
    (".csv", 'price_id,model,currency\na,"m\n', "is no CSV"),
    (".toml", "[a\n", "is no TOML"),
    (".toml", "a = " + "9" * 5000, "is no TOML"),
    (".json", "{", "is no JSON"),
    (".json", "[]", "is no map of LiteLLM"),
    (".json", '{"a": 1}', "is no map of LiteLLM"),
    (".yaml", "", r"must end in \.csv, \.toml, \.json"),
]


@pytest.mark.parametrize(("suffix", "text", "why"), WHOLE)
def test_what_is_no_file_of_prices_is_refused_whole(tmp_path: Path, suffix: str, text: str, why: str) -> None:
    with pytest.raises(FieldsRefused, match=why):
        read(tmp_path, text, suffix)


def test_a_file_that_is_not_there_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FieldsRefused, match="is no file"):
        read_prices(tmp_path / "none.csv", READERS, Wanted())
    (tmp_path / "odd.csv").write_bytes(b"price_id\xff")
    with pytest.raises(FieldsRefused, match="not UTF-8"):
        read_prices(tmp_path / "odd.csv", READERS, Wanted())


def excerpt(wanted: Wanted | None = None) -> list[PriceRow]:
    """The rows of the excerpt of LiteLLM's map."""
    return read_prices(EXCERPT, READERS, wanted or Wanted())


def test_litellms_prices_per_token_are_those_per_million_exactly() -> None:
    prices = {row.price.price_id: row.price for row in excerpt() if row.price is not None}
    found = {name: (price.model, price.provider, price.terms.per_million) for name, price in prices.items()}
    assert found == {
        "openai.gpt-4o-mini": ("gpt-4o-mini", "openai", {"input": "0.15", "output": "0.6", "cache_read": "0.075"}),
        "azure.gpt-4o": ("gpt-4o", "azure", {"input": "2.5", "output": "10", "cache_read": "1.25"}),
        "anthropic.claude-sonnet-4-5": (
            "claude-sonnet-4-5",
            "anthropic",
            {"input": "3", "output": "15", "cache_read": "0.3", "cache_write": "3.75"},
        ),
        "google_ai_studio_gemini.gemini-2.5-pro": (
            "gemini-2.5-pro",
            "google_ai_studio_gemini",
            {"input": "1.25", "output": "10", "cache_read": "0.125"},
        ),
        "fireworks.accounts-fireworks-models-deepseek-coder-v2-instruct-767843f5": (
            "accounts/fireworks/models/deepseek-coder-v2-instruct",
            "fireworks",
            {"input": "1.2", "output": "1.2"},
        ),
        "aws_bedrock.moonshotai.kimi-k2.5": ("moonshotai.kimi-k2.5", "aws_bedrock", {"input": "0.6", "output": "3"}),
    }
    assert {price.terms.currency for price in prices.values()} == {"USD"}


def test_what_litellm_prices_otherwise_or_not_at_all_is_left_out_with_a_reason() -> None:
    left_out = {row.name: row.left_out for row in excerpt() if row.left_out is not None}
    assert left_out == {
        "cloudflare/@cf/google/gemma-2b-it-lora": "has prices of 0 alone, as the map has where none is known",
        "bedrock/claude-fable-latest": "has no litellm_provider",
        "aiml/dall-e-3": "is of the mode image_generation: only chat, completion, responses, embedding are paid for by "
        "tokens alone",
        "azure/container": "has no price per token",
        "moonshotai.kimi-k2.5": "is the model moonshotai.kimi-k2.5 of aws_bedrock, as line 93 is",
    }
    notes = {row.name: row.note for row in excerpt() if row.note is not None}
    assert list(notes) == ["google_ai_studio_gemini.gemini-2.5-pro"]


def test_litellms_rows_are_chosen_by_its_names_or_by_the_gateways() -> None:
    def ids(**wanted: Any) -> list[str]:
        return [row.price.price_id for row in excerpt(Wanted(**wanted)) if row.price is not None]

    assert ids(models=("gpt-4o*",)) == ["openai.gpt-4o-mini", "azure.gpt-4o"]
    assert ids(models=("azure/*",)) == ids(providers=("azure",)) == ["azure.gpt-4o"]
    assert ids(providers=("gemini",)) == ids(providers=("google_*",)) == ["google_ai_studio_gemini.gemini-2.5-pro"]
    (row,) = excerpt(Wanted(("*gpt-4o-mini",), shorthand=True))
    assert row.price is not None
    assert (row.price.model, row.price.price_id) == ("openai::gpt-4o-mini", "openai.gpt-4o-mini")


@pytest.mark.parametrize(
    ("cost", "why"),
    [
        ("-1e-06", "per_million.input must be a plain decimal"),
        ("1e-30", "per_million.input must be a plain decimal"),
        ("1e999999999", "input_cost_per_token is no price of a token"),
        ('"0.1"', "input_cost_per_token must be a number"),
        ("NaN", "input_cost_per_token must be a number"),
    ],
)
def test_a_number_of_litellm_that_is_no_price_is_named(tmp_path: Path, cost: str, why: str) -> None:
    about = f'{{"litellm_provider": "x", "mode": "chat", "input_cost_per_token": {cost}}}'
    (row,) = read(tmp_path, f"{{\n  {json.dumps('mö')}: {about}\n}}", ".json")
    assert row.line == 2
    assert why in f"{row.faults[0].field} {row.faults[0].message}"
