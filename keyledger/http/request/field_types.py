"""The fields that requests carry: instants, positions, labels, notes and tags, each with its limits.

Nothing is mended in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from registry.instant import parse_instant
from registry.keys.lifecycle import MAX_OVERLAP
from registry.keys.tags import MAX_TAGS, name_fault, value_fault
from registry.keys.texts.text import MAX_LABEL, MAX_TEXT, label_fault, text_fault

_INSTANT_PATTERN = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,32})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("instant", "must be an RFC 3339 time with an offset, as a string")
    try:
        return parse_instant(value)
    except ValueError as error:
        hint = "; in a URL a + is written %2B" if " " in value else ""
        raise PydanticCustomError("instant", "{why}", {"why": f"{error}{hint}"}) from None


def _checked(fault: Callable[[str], str | None]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if why := fault(text):
            raise PydanticCustomError("text", "{why}", {"why": why})
        return text

    return check


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return value
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18):
        raise PydanticCustomError("whole", "must be a whole number, 0 or greater")
    return int(value)


Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    Field(json_schema_extra={"format": "date-time", "pattern": _INSTANT_PATTERN}),
]
# Bounds stand on the integer itself, before its validator: after it they are no words of a JSON schema.
WHOLE = BeforeValidator(_whole)
Whole = Annotated[int, Field(ge=0, le=10**18 - 1), WHOLE]
# For how long what a rotation replaces still works, in seconds.
Overlap = Annotated[int, Field(strict=True, ge=0, le=MAX_OVERLAP // timedelta(seconds=1))]
PageLimit = Annotated[int, Field(ge=1, le=1000), WHOLE]
Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT), AfterValidator(_checked(text_fault))]
Label = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_LABEL), AfterValidator(_checked(label_fault))]
# What a filter names: any tag that a key can have.
TagName = Annotated[str, Field(strict=True), AfterValidator(_checked(name_fault))]
SearchText = Annotated[str, Field(strict=True, min_length=1, max_length=200), AfterValidator(_checked(text_fault))]


def check_tags(tags: dict[str, Any], *, may_remove: bool) -> dict[str, Any]:
    """The tags of a body, every wrong name and value reported by its field. Raises ValidationError."""
    if len(tags) > (4 if may_remove else 1) * MAX_TAGS:  # before a look at each: a body has room for 50,000
        limit = "a patch names at most 256 tags" if may_remove else f"a key has at most {MAX_TAGS} tags"
        raise PydanticCustomError("tags", "{why}", {"why": limit})
    errors: list[InitErrorDetails] = []

    def refuse(at: tuple[str, ...], value: object, why: str) -> None:
        kind = PydanticCustomError("tag", "{why}", {"why": why})
        errors.append(InitErrorDetails(type=kind, loc=at, input=value))

    for name, value in tags.items():
        if why := name_fault(name):
            refuse((name[:200],), value, f"the tag's name {why}")
        if not isinstance(value, str):
            if value is not None or not may_remove:
                refuse((name[:200],), value, "must be a string" + (" or null" if may_remove else ""))
        elif why := value_fault(value):
            refuse((name[:200],), value, why)
    if sum(value is not None for value in tags.values()) > MAX_TAGS:
        refuse((), None, f"a key has at most {MAX_TAGS} tags")
    if errors:
        raise ValidationError.from_exception_data("tags", errors)
    return tags


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PydanticCustomError("object", "must be a JSON object of names and values")
    return value


def _new_tags(value: Any) -> dict[str, Any]:
    return check_tags(_object(value), may_remove=False)


def _patch_tags(value: Any) -> dict[str, Any]:
    return check_tags(_object(value), may_remove=True)


_TAG_NOTE = (
    "Names 1 to 128 bytes of UTF-8, values 1 to 256; NFC, no control or format characters, no blanks at the ends;"
    " a value may have the zero-width joiners that its script or emoji need."
    " A name has no colon, does not begin with `keyledger.` and is none of model, provider, function, hour, day, month."
)
NewTags = Annotated[dict[str, str], BeforeValidator(_new_tags), Field(description=_TAG_NOTE)]
PatchTags = Annotated[dict[str, str | None], BeforeValidator(_patch_tags), Field(description=_TAG_NOTE)]
