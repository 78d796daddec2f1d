"""Why a log-in at the provider did not end in a session, in words for the person at the browser."""

from __future__ import annotations

from http import HTTPStatus


class LogInRefused(Exception):
    """The person may not come in: the text says why, and what to do."""

    status = HTTPStatus.FORBIDDEN


class ProviderFailed(LogInRefused):
    """The provider gave no answer that can be used."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
