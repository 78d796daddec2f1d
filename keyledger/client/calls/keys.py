"""Calls on keys. Instants of effect are cut to whole milliseconds; tags and texts are checked by the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import UNSET, UnsetType

from keyledger.client.call import Call, Instant, Page, body_of, path_of, query_of
from keyledger.client.model.keys import ChangedKeys, HistoryEvent, Key, KeyPage, KeyUse, NewKey, NewKeys, Verified

_PATH: Final = "/admin/api-keys"
# It waits 30 s at most for the gateway's table.
WaitFor = Literal["gateway"]


def create_key(
    tags: Mapping[str, str] | None = None,
    *,
    description: str | None = None,
    expiration: Instant | None = None,
    organization: str | UnsetType = UNSET,
    workspace: str | UnsetType = UNSET,
) -> Call[NewKey]:
    """Make a key. Its answer alone shows the secret, as `api_key`."""
    body = body_of(
        tags=dict(tags or {}),
        description=UNSET if description is None else description,
        expiration=UNSET if expiration is None else expiration,
        organization=organization,
        workspace=workspace,
    )
    return Call("POST", _PATH, NewKey, body=body, changes=True)


def list_keys(
    *,
    tag: Sequence[str] = (),
    has_tag: Sequence[str] = (),
    lacks_tag: Sequence[str] = (),
    status: Sequence[str] = (),
    organization: str | None = None,
    workspace: str | None = None,
    q: str | None = None,
    created_since: Instant | None = None,
    created_until: Instant | None = None,
    expires_since: Instant | None = None,
    expires_until: Instant | None = None,
    count: bool | None = None,
    limit: int | None = None,
) -> Call[KeyPage]:
    """List keys, newest first: those that pass all filters. `tag` is `name:value`; `limit` is of a page, 1 to 1000."""
    query = query_of(
        tag=tag,
        has_tag=has_tag,
        lacks_tag=lacks_tag,
        status=status,
        organization=organization,
        workspace=workspace,
        q=q,
        created_since=created_since,
        created_until=created_until,
        expires_since=expires_since,
        expires_until=expires_until,
        count=count,
        limit=limit,
    )
    return Call("GET", _PATH, KeyPage, query)


def show_key(public_id: str, *, at: Instant | None = None, known_at: int | None = None) -> Call[Key]:
    """Show a key: as it is, as of an instant, or as the log knew it at a position."""
    return Call("GET", _key(public_id), Key, query_of(at=at, known_at=known_at))


def edit_key(
    public_id: str,
    *,
    tags: Mapping[str, str | None] | UnsetType = UNSET,
    description: str | UnsetType | None = UNSET,
    expiration: Instant | UnsetType | None = UNSET,
    effective_at: Instant | None = None,
    reason: str | None = None,
) -> Call[Key]:
    """Change what is given and leave the rest; None removes a tag, the description or the expiration.

    `effective_at` goes with tags alone: in the past it needs the scope keys:backdate and a `reason`, in the future, up
    to 366 days, it schedules the change.
    """
    query, body = query_of(effective_at=effective_at, reason=reason), _edits(tags, description, expiration)
    return Call("PATCH", _key(public_id), Key, query, body, changes=True)


def revoke_key(public_id: str, *, reason: str | None = None, wait_for: WaitFor | None = None) -> Call[Key]:
    """Revoke a key for good; a repeat changes nothing. `wait_for`: until the gateway's table has it."""
    return Call("DELETE", _key(public_id), Key, query_of(reason=reason, wait_for=wait_for), changes=True)


def suspend_key(public_id: str, *, reason: str | None = None, wait_for: WaitFor | None = None) -> Call[Key]:
    """Stop a key until it is resumed."""
    return Call("POST", f"{_key(public_id)}/suspend", Key, query_of(wait_for=wait_for), _why(reason), changes=True)


def resume_key(public_id: str, *, reason: str | None = None) -> Call[Key]:
    """Let a suspended key work again."""
    return Call("POST", f"{_key(public_id)}/resume", Key, body=_why(reason), changes=True)


def rotate_key(
    public_id: str, *, overlap_s: int | UnsetType = UNSET, compromised: Literal[True] | UnsetType = UNSET
) -> Call[NewKey]:
    """Give a key a new secret, which its answer alone shows. Give one of the two: how the other secrets end."""
    body = body_of(overlap_s=overlap_s, compromised=compromised)
    return Call("POST", f"{_key(public_id)}/rotate", NewKey, body=body, changes=True)


def revoke_credential(
    public_id: str, credential_id: str, *, reason: str | None = None, wait_for: WaitFor | None = None
) -> Call[Key]:
    """Revoke one credential of a key for good."""
    path = f"{_key(public_id)}/credentials{path_of(credential_id)}"
    return Call("DELETE", path, Key, query_of(reason=reason, wait_for=wait_for), changes=True)


def cancel_scheduled(public_id: str, position: int, *, reason: str | None = None) -> Call[Key]:
    """Cancel the scheduled change at a position before it is in effect."""
    path = f"{_key(public_id)}/scheduled{path_of(str(position))}"
    return Call("DELETE", path, Key, query_of(reason=reason), changes=True)


def create_keys(items: Sequence[Mapping[str, Any]]) -> Call[NewKeys]:
    """Make up to 1,000 keys, all or none: each item has what `create_key` takes. The answer alone shows the secrets."""
    body = {"items": [body_of(**item) for item in items]}
    return Call("POST", f"{_PATH}/bulk-create", NewKeys, body=body, changes=True)


def edit_keys(
    select: Mapping[str, Any],
    *,
    patch: Mapping[str, Any] | UnsetType = UNSET,
    action: Literal["suspend", "resume", "revoke"] | UnsetType = UNSET,
    effective_at: Instant | UnsetType = UNSET,
    reason: str | UnsetType = UNSET,
    expected_count: int | UnsetType = UNSET,
    dry_run: bool | UnsetType = UNSET,
) -> Call[ChangedKeys]:
    """Change all keys that `select` names by a patch or an action, in one transaction or not at all.

    `select` has at least one of `public_ids`, `tags`, `has_tag`, `lacks_tag`, `organization`, `workspace`, `status`.
    """
    body = body_of(
        select=dict(select),
        patch=patch if isinstance(patch, UnsetType) else body_of(**patch),
        action=action,
        effective_at=effective_at,
        reason=reason,
        expected_count=expected_count,
        dry_run=dry_run,
    )
    return Call("POST", f"{_PATH}/bulk-edit", ChangedKeys, body=body, changes=True)


def list_key_events(public_id: str, *, limit: int | None = None) -> Call[Page[HistoryEvent]]:
    """List the events of a key, oldest first."""
    return Call("GET", f"{_key(public_id)}/history", Page[HistoryEvent], query_of(limit=limit))


def show_key_usage(public_id: str) -> Call[KeyUse]:
    """Show when each credential of a key was last used."""
    return Call("GET", f"{_key(public_id)}/usage", KeyUse)


def verify_key(api_key: str) -> Call[Verified]:
    """Say whether an API key works now, and with which tags. Nothing is recorded."""
    return Call("POST", "/verify", Verified, body={"api_key": api_key})


def _key(public_id: str) -> str:
    return f"{_PATH}{path_of(public_id)}"


def _why(reason: str | None) -> dict[str, str]:
    return {} if reason is None else {"reason": reason}


def _edits(
    tags: Mapping[str, str | None] | UnsetType,
    description: str | UnsetType | None,
    expiration: Instant | UnsetType | None,
) -> dict[str, object]:
    given = UNSET if isinstance(tags, UnsetType) else dict(tags)
    return body_of(tags=given, description=description, expiration=expiration)
