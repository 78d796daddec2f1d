"""The encodings of bodies: lz4 frames, zstd, gzip and deflate. A body may hold several frames one after the other."""

from __future__ import annotations

import gzip
import sys
import zlib

import lz4.frame

from tests.support.clickhouse_http.errors import ServerError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# In the order in which the server prefers them.
_OFFERED = ("lz4", "zstd", "gzip", "deflate")


def chosen(accepted: str) -> str | None:
    """The encoding for an answer by the request's Accept-Encoding."""
    names = {part.partition(";")[0].strip() for part in accepted.split(",")}
    return next((name for name in _OFFERED if name in names), None)


def encode(data: bytes, encoding: str | None) -> bytes:
    """The body as it goes out."""
    match encoding:
        case "lz4":
            # Blocks that need no other one, of the smallest size, as a server that streams would send them.
            return bytes(lz4.frame.compress(data, block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_linked=False))
        case "zstd":
            return zstd.compress(data)
        case "gzip":
            return gzip.compress(data, 1)
        case "deflate":
            return zlib.compress(data, 1)
        case _:
            return data


def decode(data: bytes, encoding: str) -> bytes:
    """The body as it was meant. Raises ServerError for one that is cut short or damaged."""
    try:
        match encoding:
            case "" | "identity":
                return data
            case "lz4":
                return _lz4_frames(data)
            case "zstd":
                return zstd.decompress(data)
            case "gzip":
                return gzip.decompress(data)
            case "deflate":
                return zlib.decompress(data)
    except (RuntimeError, EOFError, OSError, zlib.error, zstd.ZstdError) as error:
        raise ServerError(271, "Cannot decompress the body (CANNOT_DECOMPRESS)") from error
    raise ServerError(48, f"Unknown compression method {encoding} (NOT_IMPLEMENTED)")


def _lz4_frames(data: bytes) -> bytes:
    decoded = []
    while data:
        frame = lz4.frame.LZ4FrameDecompressor()
        decoded.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError
        data = frame.unused_data or b""
    return b"".join(decoded)
