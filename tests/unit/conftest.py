"""Unit tests are of pure code: no socket can open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def _no_socket() -> Iterator[None]:
    pytest_socket.disable_socket(allow_unix_socket=True)  # the event loop's own pair is a Unix one
    yield
    pytest_socket.enable_socket()
