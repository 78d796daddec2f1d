"""What a portal does, with the generated client: type-checked by mypy, and run. Takes the address and a token."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from keyledger_client import AuthenticatedClient
from keyledger_client.api.audit import export_log
from keyledger_client.api.billing import show_bill
from keyledger_client.api.keys import create_key, edit_key, list_keys, revoke_key, rotate_key, show_key
from keyledger_client.models import (
    Bill,
    CreateKeyBody,
    EditKeyBody,
    Key,
    KeyPage,
    KeyStatus,
    NewKey,
    Problem,
    RotateWithOverlap,
    Tags,
)

MARCH, APRIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
END = datetime(2099, 1, 1, tzinfo=UTC)


def life_of_a_key(client: AuthenticatedClient) -> str:
    """Create a key, find it, change it, rotate it, revoke it."""
    body = CreateKeyBody(tags=Tags.from_dict({"customer_id": "acme"}), expiration=END)
    made = create_key.sync(client=client, body=body, keyledger_on_behalf_of="Ada Lovelace")
    assert isinstance(made, NewKey), made
    assert made.api_key.startswith("sk-t0-")
    assert made.expiration == END

    page = list_keys.sync(client=client, tag=["customer_id:acme"], status=[KeyStatus.ACTIVE])
    assert isinstance(page, KeyPage), page
    assert [key.public_id for key in page.items] == [made.public_id]
    assert page.next_cursor is None

    edited = edit_key.sync(made.public_id, client=client, body=EditKeyBody(description="production"))
    assert isinstance(edited, Key), edited
    assert edited.tags["customer_id"] == "acme", "what a patch does not name stays"
    assert edited.expiration == END

    rotated = rotate_key.sync(made.public_id, client=client, body=RotateWithOverlap(overlap_s=60))
    assert isinstance(rotated, NewKey), rotated
    assert len(rotated.credentials) == 2

    revoked = revoke_key.sync(made.public_id, client=client, reason="done")
    assert isinstance(revoked, Key), revoked
    assert revoked.status is KeyStatus.REVOKED
    public_id: str = made.public_id
    return public_id


def reads(client: AuthenticatedClient, public_id: str) -> None:
    """A key as it was, a bill, the log, and a refusal by its field."""
    shown = show_key.sync_detailed(public_id, client=client)
    assert isinstance(shown.parsed, Key), shown
    position = int(shown.headers["Keyledger-Position"])
    assert position >= shown.parsed.position

    bill = show_bill.sync(client=client, group_by=["model", "day"], since=MARCH, until=APRIL)
    assert isinstance(bill, Bill), bill
    assert (bill.since, bill.until) == (MARCH, APRIL)
    assert sum(line.inferences for line in bill.lines) == bill.total.inferences == 0
    assert bill.total.cost_usd is None, "not one row has a cost"

    lines = export_log.sync(client=client, limit=position)
    assert isinstance(lines, str), lines
    assert len(lines.splitlines()) == position

    body = CreateKeyBody(tags=Tags.from_dict({"model": "mine"}))
    refused = create_key.sync(client=client, body=body)
    assert isinstance(refused, Problem), refused
    assert refused.errors is not None
    assert [error.field for error in refused.errors] == ["tags.model"]


def main(url: str, token: str) -> None:
    """All of it."""
    with AuthenticatedClient(base_url=url, token=token) as client:
        reads(client, life_of_a_key(client))


if __name__ == "__main__":
    main(*sys.argv[1:])
