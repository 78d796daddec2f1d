"""SQL as files: one statement or object a file, with `{{placeholders}}` for names. Values never are: they are bound."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@cache
def read_sql(package: str, path: str) -> str:
    """The text of `<package>/<path>.sql`."""
    return files(package).joinpath(f"{path}.sql").read_text(encoding="utf-8")


def fill(text: str, **values: str) -> str:
    """A text with its placeholders filled in. Raises KeyError for one that has no value."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)
