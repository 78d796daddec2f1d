"""SQL as files: one statement or object per file, with `{{placeholders}}` for names. Values are always bound."""

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
    """The text with its placeholders filled in. Raises KeyError for a placeholder without a value."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], text)
