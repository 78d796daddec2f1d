"""The reads of the gateway's table, one a file."""

from __future__ import annotations

from importlib.resources import files


def at(schema: str, name: str, lock: str = "") -> str:
    """A statement on the gateway's table in a schema, which is a plain identifier; `lock` is its locking clause."""
    text = files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{{schema}}", f'"{schema}"').replace("{{lock}}", lock)
