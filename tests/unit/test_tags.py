"""What a tag's name and value may be: at every limit, one step inside and one step outside."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.keys.tags import RESERVED_WORDS, name_fault, value_fault


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "customer_id",
        "a" * 128,
        "é" * 64,
        "Größe",
        "日本",
        "a b",
        "Model",
        "models",
        "keyledger",
        "Keyledger.x",
        "😀",
        "a.b/c",
    ],
)
def test_good_names(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "1 to 128 bytes"),
        ("a" * 129, "not 129"),
        ("é" * 64 + "a", "not 129"),
        ("a:b", "colon"),
        (":", "colon"),
        ("keyledger.", "reserved"),
        ("keyledger.internal", "reserved"),
        *((word, "reserved") for word in sorted(RESERVED_WORDS)),
        ("e\u0301", "NFC"),
        ("\u212b", "NFC"),
        (" a", "blank"),
        ("a\u00a0", "blank"),
        ("a\u3000", "blank"),
        ("a\0", "control"),
        ("a\nb", "control"),
        ("a\u200bb", "control or format"),
        ("می\u200cروم", "control or format"),
        ("👩\u200d👧", "control or format"),
        ("a\U000e0041", "control or format"),
        ("a\u2029b", "control"),
        ("\ud800", "surrogate"),
    ],
)
def test_bad_names_are_refused_with_their_reason(name: str, why: str) -> None:
    assert why in (name_fault(name) or "")


def test_values_have_limits_of_their_own_and_may_be_reserved_words() -> None:
    assert [value_fault(value) for value in ("a" * 256, "model", "keyledger.x", "a:b", "0", "null")] == [None] * 6
    assert "257" in (value_fault("a" * 257) or "")
    assert "1 to 256" in (value_fault("") or "")


@pytest.mark.parametrize(
    "value",
    [
        *("می\u200cروم", "نیم\u200cفصل", "ب\u064b\u200c\u064bب"),  # Persian, and through vowel signs
        *("क्\u200dष", "ශ්\u200dරී", "ക്\u200c", "അവന്\u200d"),  # after a virama, also at the end, as in Malayalam
        *(
            "👩\u200d👧",
            "👩\u200d❤\ufe0f\u200d💋\u200d👨",
            "👩🏽\u200d🚀",
            "🏳\ufe0f\u200d🌈",
            "🏃🏿\u200d♀\ufe0f\u200d➡\ufe0f",
        ),
    ],
)
def test_a_value_may_have_the_joiners_that_its_script_or_emoji_need(value: str) -> None:
    assert value_fault(value) is None


@pytest.mark.parametrize(
    "value",
    [
        *("a\u200cb", "a\u200db", "\u200d", "\u200ca", "a\u200d", "7\u200d8", "日\u200c本"),
        *("می\u200c\u200cروم", "می\u200c", "دور\u200cتر", "می\u200dخ", "क\u200dष", "क्\u200d\u200dष"),
        *(
            "👩\u200d",
            "\u200d👩",
            "👩\u200d\u200d👧",
            "👩\u200c👧",
            "👩\u200da",
            "a\u200d👩",
            "🏽\u200d👩",
            "\ufe0f\u200d👩",
            "─\u200d─",
        ),
        *("👩\ufe0f🏽\u200d👩", "1\ufe0f\u20e3\u200d👩", "\ue000\u200dx", "🇩🇪\u200d👩"),
    ],
)
def test_a_joiner_that_only_makes_two_values_look_alike_is_refused(value: str) -> None:
    assert "zero-width joiner" in (value_fault(value) or "")


@given(st.text(max_size=300))
def test_a_good_value_is_one_that_nothing_would_mend(text: str) -> None:
    if value_fault(text) is None:
        assert text == unicodedata.normalize("NFC", text) == text.strip()
        assert 1 <= len(text.encode()) <= 256
        formats = set(text) - {"\u200c", "\u200d"}
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in formats)
