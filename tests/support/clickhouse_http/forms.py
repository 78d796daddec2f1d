"""Multipart forms: plain fields, and files, which are external tables."""

from __future__ import annotations

import re

_NAME = re.compile(rb'name="([^"]*)"')
_BOUNDARY = re.compile(r'boundary="?([^";]+)')


def parts(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields and the files of a form by name; a content type of another kind has neither."""
    boundary = _BOUNDARY.search(content_type)
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if boundary is None or not content_type.startswith("multipart/form-data"):
        return fields, files
    # What stands before the first boundary and after the last is no part.
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.group(1).encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        if named is None:
            continue
        name = named.group(1).decode()
        if b"filename=" in head:
            files[name] = content
        else:
            fields[name] = content.decode()
    return fields, files
