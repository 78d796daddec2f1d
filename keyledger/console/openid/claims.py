"""What the claims say of a person: who it is for the log, and which of our roles they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyledger.console.openid.errors import LogInRefused
from keyledger.http.request.strict_request import MAX_ON_BEHALF_OF

Claims = Mapping[str, Any]


def claim(claims: Claims, name: str) -> Any:
    """A claim by its name, which may have dots; where there is none, by the path that they make. None without one."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def person_of(claims: Claims, name: str) -> str:
    """Who the log has as the person, by the claim of a name. Raises LogInRefused."""
    person = claim(claims, name)
    if not isinstance(person, str) or not 1 <= len(person) <= MAX_ON_BEHALF_OF or not person.isprintable():
        raise LogInRefused(
            f"The provider does not say who you are: the claim {name} must be a text of 1 to {MAX_ON_BEHALF_OF} "
            "printable characters. KEYLEDGER_OPENID_PERSON_CLAIM names another claim."
        )
    _check_email(claims, name)
    return person


def roles_of(claims: Claims, name: str) -> tuple[str, ...]:
    """The values of the claim that has the roles: a list of texts, or one text. Raises LogInRefused."""
    values = claim(claims, name)
    if values is not None:
        _check_email(claims, name)
    if isinstance(values, str):
        return (values,)
    return tuple(one for one in values if isinstance(one, str)) if isinstance(values, list) else ()


def _check_email(claims: Claims, name: str) -> None:
    """An address counts unless the provider says that it is not known to be the person's; some say so as a text."""
    if name == "email" and claims.get("email_verified", True) not in {True, "true"}:
        raise LogInRefused("The provider did not verify your e-mail address: verify it there, and log in again.")
