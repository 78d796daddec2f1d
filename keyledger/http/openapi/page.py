"""GET /docs: the document as a page, from files of this package alone: files/README.md says where they come from.

The page is to read, not to call. Its policy lets the browser run and load nothing but these files and the document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

_FILES: Final = Path(__file__).parent / "files"
_PAGE: Final = "index.html"
_SERVED: Final = {
    "page.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # another version of Keyledger has other files
}


def add_page(app: FastAPI) -> None:
    """Serve the page and its files, without a token; they are no part of the document."""
    app.add_route("/docs", _page, include_in_schema=False)
    app.add_route("/docs/{file}", _file, include_in_schema=False)


async def _page(_request: Request) -> FileResponse:
    return FileResponse(_FILES / _PAGE, media_type="text/html", headers=_HEADERS)


async def _file(request: Request) -> FileResponse:
    name = request.path_params["file"]
    if name not in _SERVED:
        raise HTTPException(404)
    return FileResponse(_FILES / name, media_type=_SERVED[name], headers=_HEADERS)
