"""The API of a test's own, whose app has the console."""

from __future__ import annotations

from tests.integration.api.conftest import api, other_api

__all__ = ["api", "other_api"]
