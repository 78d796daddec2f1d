"""The reads of the gateway's table, one a file."""

from __future__ import annotations

from importlib.resources import files


def at(schema: str, name: str) -> str:
    """A statement on the gateway's table in a schema, whose name is a plain identifier."""
    text = files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{{schema}}", f'"{schema}"')
