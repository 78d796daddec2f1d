"""The files of a connection's TLS, and the context that they make."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of one connection's TLS, each of them optional; a certificate and its key come together."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """A client's context, which checks certificate and host name by the CA file or the system's CAs.

        Raises ssl.SSLError where the files don't fit together.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            # Always a password, be it an empty one: OpenSSL would ask for it on the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password=self.key_password or "")
        return context
