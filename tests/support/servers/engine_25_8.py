"""The environment with the engine of ClickHouse 25.8, the oldest that is supported: made once below .venv."""

from __future__ import annotations

from tests.support.servers.environments import ROOT, python_with

_LOCK = ROOT / "tests" / "support" / "clickhouse_http" / "requirements-25.8.lock"


def python_25_8() -> str:
    """The environment's interpreter. The first call takes a minute and 1.2 GB; others wait. Raises CannotInstall."""
    return str(python_with("chdb-3.7.2", _LOCK))
