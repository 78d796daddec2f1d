"""Pages as HTML, with the headers that keep them to themselves."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from keyledger.console import formats

_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


# Another person may use the browser next.
NOT_STORED: Final = {**HEADERS, "Cache-Control": "no-store"}


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("keyledger.console"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(formats.FILTERS)
    made.globals["asset"] = asset
    return made


def html(template: str, status: int = 200, **given: Any) -> HTMLResponse:
    """A page, which is not to be stored."""
    return HTMLResponse(text(template, **given), status, headers=NOT_STORED)


def text(template: str, **given: Any) -> str:
    """A template as text: a part of a page."""
    return _TEMPLATES.get_template(template).render(**given)


def see_other(address: str) -> RedirectResponse:
    """Go on at another page of the console, by GET."""
    return RedirectResponse(address, 303, headers=NOT_STORED)


def asset(name: str) -> str:
    """The address of a file, which changes with what is in it."""
    return f"/console/static/{_ASSETS[name][0]}/{name}"


def file(digest: str, name: str) -> Response:
    """A file by its address; 404 for any other."""
    found = _ASSETS.get(name)
    if found is None or found[0] != digest:
        return Response(status_code=404, headers=HEADERS)
    headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found[1], media_type=_TYPES[Path(name).suffix], headers=headers)


def _assets() -> dict[str, tuple[str, bytes]]:
    found = {}
    for path in sorted(_STATIC.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            found[path.name] = sha256(content).hexdigest()[:16], content
    return found


_ASSETS: Final = _assets()
_TEMPLATES: Final = _environment()
