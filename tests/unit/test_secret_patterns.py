"""The patterns for secret scanners find what we issue, and nothing that only looks like it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
import yaml

from registry.keys.secrets import issue_key, issue_token
from tests.support.documents import ROOT

FOLDER = ROOT / "deploy" / "secret-scanning"


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Each pattern, by its scanner and its name; group 1 is the secret."""
    for rule in tomllib.loads((FOLDER / "gitleaks.toml").read_text(encoding="utf-8"))["rules"]:
        assert rule["secretGroup"] == 1
        # Python and RE2, which gitleaks uses, read this part of the syntax alike.
        yield f"gitleaks: {rule['id']}", re.compile(rule["regex"])
    for one in yaml.safe_load((FOLDER / "github.yaml").read_text(encoding="utf-8")):
        before, after = one["before_secret"], one["after_secret"].replace(r"\z", r"\Z")
        yield f"github: {one['name']}", re.compile(f"(?:{before})({one['secret_format']})(?:{after})")


def of(kind: str) -> list[re.Pattern[str]]:
    """Those for one kind of secret, of both scanners."""
    return [pattern for name, pattern in patterns() if kind in name.lower().replace("-", " ")]


KEYS, TOKENS = of("api key"), of("admin token")


def found(pattern: re.Pattern[str], text: str) -> list[str]:
    """The secrets in a text."""
    return pattern.findall(text)


def test_there_is_a_pattern_for_each_kind_and_each_scanner() -> None:
    assert (len(KEYS), len(TOKENS), len(list(patterns()))) == (2, 2, 4)


@pytest.mark.parametrize(
    "text", ["{}", 'key = "{}"', "KEY={}", "Authorization: Bearer {}\r\n", "({}),", "KEY_{}_x", "https://a/?k={}&b=c"]
)
def test_every_secret_that_we_issue_is_found_where_people_leave_it(text: str) -> None:
    for _ in range(20):
        key, token = issue_key().text, issue_token().text
        assert all(found(pattern, text.format(key)) == [key] for pattern in KEYS)
        assert all(found(pattern, text.format(token)) == [token] for pattern in TOKENS)
        assert not any(found(pattern, text.format(token)) for pattern in KEYS)
        assert not any(found(pattern, text.format(key)) for pattern in TOKENS)


def test_what_only_looks_like_one_is_not_found() -> None:
    for issued, own in ((issue_key(), KEYS), (issue_token(), TOKENS)):
        prefix, secret = issued.text[:-61], issued.text[-48:]
        named = f"{prefix}{issued.id}"
        near = (
            *(issued.text[:-1], f"{issued.text}a", f"x{issued.text}", issued.text.upper(), prefix, issued.id, secret),
            *(f"{named[:-1]}-{secret}", f"{named}x-{secret}", f"{named}_{secret}", f"{named}-{secret[:-1]}é"),
            *(issued.text.replace("-", " "), f"{prefix}<12 characters>-<48 characters>"),
        )
        assert [one for one in near for pattern in own if found(pattern, one)] == []


def test_githubs_own_check_of_a_pattern_passes() -> None:
    for one in yaml.safe_load((FOLDER / "github.yaml").read_text(encoding="utf-8")):
        assert re.fullmatch(one["secret_format"], one["test_string"])


def test_the_page_of_keys_says_where_they_are() -> None:
    text = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert all(f"deploy/secret-scanning/{name}" in text for name in ("gitleaks.toml", "github.yaml"))
