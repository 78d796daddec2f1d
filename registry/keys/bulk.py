"""The decisions on many keys at once: all of it or nothing. Pure, like `commands`, which decide on each key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from registry.errors import Conflict, FieldFault, FieldsRefused, Forbidden, Refused
from registry.keys import commands, lifecycle
from registry.keys.commands import CreateKey, EditKey, RevokeKey
from registry.keys.events import Confinement
from registry.keys.filters import KeyFilters
from registry.keys.state import KeyState
from registry.log.event_log import NewEvent, StreamView
from registry.tokens.confinement import edit_within

# Keys that one request may make, and those that one may change.
MAX_CREATED: Final = 1000
MAX_CHANGED: Final = 10_000

Action = Literal["suspend", "resume", "revoke"]
_ACTIONS: Final[Mapping[Action, Callable[[StreamView], Sequence[NewEvent]]]] = {
    "suspend": lifecycle.suspend,
    "resume": lifecycle.resume,
    "revoke": lambda view: commands.revoke(RevokeKey(), view),
}


@dataclass(frozen=True, slots=True)
class EditKeys:
    """Change the keys that pass the filters: each by the same patch, or by an action.

    `expected` is how many these must be, if given; `within` is what the caller is confined to.
    """

    select: KeyFilters
    change: EditKey | Action
    expected: int | None = None
    within: Confinement | None = None


def create_all(keys: Sequence[CreateKey], views: Sequence[StreamView]) -> Sequence[Sequence[NewEvent]]:
    """Decide creations. Raises FieldsRefused, which names the item."""
    return [_of_item(number, key, view) for number, (key, view) in enumerate(zip(keys, views, strict=True))]


def edit_all(command: EditKeys, views: Sequence[StreamView]) -> Sequence[Sequence[NewEvent] | None]:
    """Decide a change of those keys that pass the filters now; None for the others.

    Raises Conflict where they are not as many as expected, and what one of them refuses, with its id.
    """
    chosen = [isinstance(view.state, KeyState) and command.select.match(view.state, view.now) for view in views]
    if command.expected is not None and sum(chosen) != command.expected:
        raise Conflict(f"{sum(chosen)} keys match, not {command.expected}: nothing was changed")
    return [_of_key(command, view) if is_chosen else None for is_chosen, view in zip(chosen, views, strict=True)]


def _of_item(number: int, key: CreateKey, view: StreamView) -> Sequence[NewEvent]:
    try:
        return commands.create(key, view)
    except FieldsRefused as error:
        faults = [FieldFault(f"items.{number}.{fault.field}", fault.message) for fault in error.faults]
        raise FieldsRefused(*faults) from error


def _of_key(command: EditKeys, view: StreamView) -> Sequence[NewEvent]:
    change = command.change
    try:
        return edit_within(command.within, change, view) if isinstance(change, EditKey) else _ACTIONS[change](view)
    except FieldsRefused as error:
        of = f"of key {view.state.public_id}: nothing was changed"
        faults = [FieldFault(fault.field, f"{fault.message}, {of}") for fault in error.faults]
        raise FieldsRefused(*faults) from error
    except Forbidden:
        raise  # it is not about the key
    except Refused as error:
        raise Conflict(f"key {view.state.public_id}: {error}. Nothing was changed: select fewer keys") from error
