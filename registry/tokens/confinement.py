"""What a confined token may see and set. Pure.

It sees a key that has all the tags of its confinement now, and its organization and workspace; another does not exist
for it. It can't give such a tag another value, so no key leaves its confinement by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from registry.errors import FieldFault, Forbidden, UnknownKey
from registry.instant import to_ms
from registry.keys import commands
from registry.keys.commands import EditKey, Unset
from registry.keys.details import FAULTS, KeyDetails
from registry.keys.events import Confinement
from registry.keys.filters import KeyFilters
from registry.keys.state import KeyState, evolve
from registry.keys.tags import MAX_TAGS, name_fault, value_fault
from registry.log import codec
from registry.log.event_log import NewEvent, RecordedEvent, StreamView

# What a confined token may have: every call of these is held to the confinement.
CONFINABLE: Final = ("keys:read", "keys:write", "keys:backdate", "keys:verify", "billing:read", "events:read")


def confinement_faults(confined_to: Confinement) -> list[FieldFault]:
    """What is wrong with a confinement."""
    faults = []
    texts = {"organization": confined_to.organization, "workspace": confined_to.workspace}
    if not confined_to.tags and not any(texts.values()):
        faults.append(FieldFault("confined_to", "must name a tag, an organization or a workspace"))
    if len(confined_to.tags) > MAX_TAGS:
        faults.append(FieldFault("confined_to.tags", f"a key has at most {MAX_TAGS} tags"))
    for name, value in confined_to.tags.items():
        if why := name_fault(name) or value_fault(value):
            faults.append(FieldFault(f"confined_to.tags.{name[:200]}", why))
    for name, text in texts.items():
        if text is not None and (why := FAULTS[name](text)):
            faults.append(FieldFault(f"confined_to.{name}", why))
    return faults


def contains(confined_to: Confinement, key: KeyState, at: datetime) -> bool:
    """Whether a key is within, by its tags at a time."""
    return _fits(confined_to, key.tags(at), key.details)


def require(confined_to: Confinement | None, key: KeyState | None, at: datetime) -> None:
    """Raise UnknownKey for a key that is not within."""
    if confined_to is not None and (key is None or not contains(confined_to, key, at)):
        raise UnknownKey


def require_new(confined_to: Confinement | None, tags: Mapping[str, str], details: KeyDetails) -> None:
    """Raise Forbidden for a new key that is not within."""
    if confined_to is not None and not _fits(confined_to, tags, details):
        raise Forbidden(f"the token is confined: a key that it makes must have {described(confined_to)}")


def require_edit(confined_to: Confinement, edit: EditKey, key: KeyState, now: datetime) -> None:
    """Raise Forbidden for an edit that would take a key out, or change the time before it came in."""
    if not isinstance(edit.tags, Unset):
        for name, value in confined_to.tags.items():
            if edit.tags.get(name, value) != value:
                raise Forbidden(f"the token is confined to {name}:{value}: it can't change that tag")
    at = edit.effective_at
    if at is not None and at < now:
        registers = key.registers_at(now)
        if any(registers[name].effective_ms > to_ms(at) for name in confined_to.tags):
            raise Forbidden("the token is confined: the key was not within its confinement at the effective_at")


def edit_within(confined_to: Confinement | None, edit: EditKey, view: StreamView) -> Sequence[NewEvent]:
    """Decide a merge patch of a key that is within. Raises as `commands.edit`, and Forbidden."""
    if confined_to is not None:
        require_edit(confined_to, edit, view.state, view.now)
    return commands.edit(edit, view)


def positions_within(confined_to: Confinement, history: Iterable[RecordedEvent]) -> frozenset[int]:
    """The positions of those events of one key after which it was within. Raises UndecodableEvent, ValueError."""
    state: KeyState | None = None
    found = set()
    for recorded in history:
        state = evolve(state, recorded, codec.decode(recorded))
        if contains(confined_to, state, recorded.recorded_at):
            found.add(recorded.position)
    return frozenset(found)


def narrowed(confined_to: Confinement, wanted: KeyFilters) -> KeyFilters | None:
    """Filters that pass what is within, too; None where no key can pass both."""
    tags = {**confined_to.tags, **wanted.tags}
    if any(tags[name] != value for name, value in confined_to.tags.items()):
        return None
    places = ((confined_to.organization, wanted.organization), (confined_to.workspace, wanted.workspace))
    if any(own is not None and asked not in {None, own} for own, asked in places):
        return None
    organization, workspace = (own or asked for own, asked in places)
    return replace(wanted, tags=tags, organization=organization, workspace=workspace)


def described(confined_to: Confinement) -> str:
    """A confinement in words."""
    parts = [f"the tag {name}:{value}" for name, value in confined_to.tags.items()]
    places = (("organization", confined_to.organization), ("workspace", confined_to.workspace))
    return ", ".join([*parts, *(f"the {name} {value}" for name, value in places if value is not None)])


def _fits(confined_to: Confinement, tags: Mapping[str, str], details: KeyDetails) -> bool:
    return (
        confined_to.tags.items() <= tags.items()
        and confined_to.organization in {None, details.organization}
        and confined_to.workspace in {None, details.workspace}
    )
