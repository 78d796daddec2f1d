"""The statements of the sync, one a file: on the gateway's table, and on the log's database."""

from __future__ import annotations

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8").strip()


def at(schema: str, name: str) -> str:
    """A statement on the gateway's table in a schema, whose name is a plain identifier."""
    return _read(name).replace("{{differing}}", _read("differing")).replace("{{schema}}", f'"{schema}"')


KEYS = _read("keys")
STREAMS = _read("streams")
CHANGED = _read("changed")
HASHES = _read("hashes")
CHECKPOINT_TAKE = _read("checkpoint_take")
CHECKPOINT_MOVE = _read("checkpoint_move")
CHECKPOINT_FAIL = _read("checkpoint_fail")
CHECKPOINT_DRIFT = _read("checkpoint_drift")
CHECKPOINT_LOOKED = _read("checkpoint_looked")
CHECKPOINT_FORGET = _read("checkpoint_forget")
