"""Secrets have the gateway's format, never show by accident, and tokens are judged alike whatever is wrong."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import replace
from hashlib import sha256

import pytest

from registry.auth import authenticate
from registry.errors import Conflict, FieldsRefused, Forbidden, Unauthenticated, UnknownToken
from registry.keys import secrets as secret
from registry.tokens import commands as token
from registry.tokens.commands import CreateToken
from registry.tokens.state import SCOPES, TokenState
from tests.support.records import NOON, Stream

KEY = re.compile(r"sk-t0-([A-Za-z0-9]{12})-([A-Za-z0-9]{48})")


class Kept:
    """Tokens in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[TokenState, str]] = {}

    async def token(self, token_id: str) -> tuple[TokenState, str] | None:
        """See TokenLookup."""
        return self.rows.get(token_id)


def test_a_key_has_the_gateways_format_and_hash() -> None:
    issued = secret.issue_key()
    match = KEY.fullmatch(issued.text)
    assert match is not None
    assert match[1] == issued.id
    assert issued.hash == sha256(match[2].encode()).hexdigest()
    assert len({secret.issue_key().text for _ in range(100)}) == 100


def test_every_letter_is_as_likely_as_the_others() -> None:
    """Of 124,000 letters each comes 2,000 times, give or take six standard deviations."""
    made = Counter("".join(secret.issue_key().text.rpartition("-")[2] for _ in range(2584)))
    assert set(made) == set(string.ascii_letters + string.digits)
    assert all(abs(count - 2000) < 6 * 45 for count in made.values()), made


def test_a_secret_is_not_in_its_own_representation() -> None:
    issued = secret.issue_token()
    assert issued.text not in repr(issued)
    assert issued.hash not in repr(issued)


@pytest.mark.parametrize("text", ["", "x", "kl-admin-", "sk-t0-" + "A" * 12 + "-" + "B" * 48, "kl-admin-é"])
def test_what_is_no_token_has_no_parts(text: str) -> None:
    assert secret.split_token(text) is None


def decided(*scopes: str, name: str = "portal") -> TokenState:
    """A token that was just made."""
    stream = Stream("token-t0kenPubl1c0")
    stream.append(token.create(CreateToken("t0kenPubl1c0", name, scopes, "c" * 64), stream.view(NOON)), NOON)
    assert isinstance(stream.state, TokenState)
    return stream.state


def test_a_token_has_its_scopes_once_in_their_order_and_admin_has_all() -> None:
    state = decided("keys:write", "keys:read", "keys:read")
    assert state.scopes == ("keys:read", "keys:write")
    assert (state.allows("keys:read"), state.allows("billing:read")) == (True, False)
    admin = decided("admin")
    assert all(admin.allows(scope) for scope in SCOPES)


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("", ("admin",), "name"),
        ("x" * 201, ("admin",), "name"),
        ("a\nb", ("admin",), "name"),
        ("x", (), "scopes"),
        ("x", ("keys:all",), "scopes"),
        ("x", ("Admin",), "scopes"),
    ],
)
def test_a_bad_name_or_scope_is_refused(name: str, scopes: tuple[str, ...], field: str) -> None:
    with pytest.raises(FieldsRefused) as caught:
        decided(*scopes, name=name)
    assert [fault.field for fault in caught.value.faults] == [field]


def test_an_unknown_token_can_not_be_revoked_and_a_known_id_not_be_made() -> None:
    with pytest.raises(UnknownToken):
        token.revoke(Stream().view(NOON))
    with pytest.raises(Conflict):
        token.create(CreateToken("t", "x", ("admin",), "c"), replace(Stream().view(NOON), version=1))


async def test_only_the_whole_token_of_a_live_row_is_let_in() -> None:
    kept, issued = Kept(), secret.issue_token()
    state = decided("keys:read")
    kept.rows[issued.id] = (state, issued.hash)
    principal = await authenticate(f"Bearer {issued.text}", kept)
    assert principal.actor == f"token-{issued.id}"
    principal.require("keys:read")
    with pytest.raises(Forbidden, match="keys:write"):
        principal.require("keys:write")
    assert (await authenticate(f"bearer  {issued.text} ", kept)).token == state

    other = secret.issue_token().text.rpartition("-")[2]
    swapped = f"kl-admin-{issued.id}-{other}"
    for header in (
        None,
        "",
        "Bearer",
        f"Basic {issued.text}",
        issued.text,
        f"Bearer {swapped}",
        f"Bearer {issued.text}x",
    ):
        with pytest.raises(Unauthenticated):
            await authenticate(header, kept)
    for row in ((state, ""), (state, "0" * 64)):
        kept.rows[issued.id] = row
        with pytest.raises(Unauthenticated):
            await authenticate(f"Bearer {issued.text}", kept)
    del kept.rows[issued.id]
    with pytest.raises(Unauthenticated):
        await authenticate(f"Bearer {issued.text}", kept)
