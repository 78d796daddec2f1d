"""The statements of the log's database, one a file, as PostgreSQL gets them."""

from __future__ import annotations

from importlib.resources import files


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


STREAM_VIEWS = _read("stream_views")
APPEND = _read("append")
READ = _read("read")
READ_FOLDABLE = _read("read_foldable")
HASHES = _read("hashes")
HEAD = _read("head")
READ_STREAMS = _read("read_streams")
CHECKPOINT_TAKE = _read("checkpoint_take")
CHECKPOINT_MOVE = _read("checkpoint_move")
CHECKPOINT_FAIL = _read("checkpoint_fail")
