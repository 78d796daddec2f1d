"""What goes wrong, by ClickHouse's code, and the HTTP status that a server gives it."""

from __future__ import annotations

import re

_CODE = re.compile(r"Code: (\d+)\.")
_STATUS = {
    400: {6, 25, 26, 27, 38, 41, 53, 62, 72, 117, 168, 376, 456, 457},
    401: {194, 516},
    403: {192, 193},
    404: {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336, 372},
    408: {159},
    501: {48},
    503: {209, 745},
}


class ServerError(Exception):
    """A failure as a server reports it: ClickHouse's code, and a text without `Code:` in front."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}")
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return next((status for status, codes in _STATUS.items() if self.code in codes), 500)


def of_engine(error: RuntimeError) -> ServerError:
    """The engine's own error: it has only a text."""
    text = str(error)
    found = _CODE.search(text)
    code = int(found.group(1)) if found else 1001
    return ServerError(code, text.partition("DB::Exception: ")[2] or text)
