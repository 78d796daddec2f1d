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


@given(st.text(max_size=300))
def test_a_good_value_is_one_that_nothing_would_mend(text: str) -> None:
    if value_fault(text) is None:
        assert text == unicodedata.normalize("NFC", text) == text.strip()
        assert 1 <= len(text.encode()) <= 256
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in text)
