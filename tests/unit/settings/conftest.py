"""No setting of the machine's counts, and PEM files to name."""

from __future__ import annotations

import os

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.support.settings_read import SECRET


@pytest.fixture(scope="session")
def pems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """PEM files by name: of a CA, of a certificate with its key, that key encrypted, and another certificate's key."""
    folder = tmp_path_factory.mktemp("pems")
    ca = trustme.CA()
    cert, other = ca.issue_cert("localhost"), ca.issue_cert("localhost")
    key = load_pem_private_key(cert.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode()))
    contents = {
        "ca": ca.cert_pem.bytes(),
        "cert": cert.cert_chain_pems[0].bytes(),
        "key": cert.private_key_pem.bytes(),
        "encrypted": encrypted,
        "other_key": other.private_key_pem.bytes(),
        "broken": b"-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n",
        "words": b"no PEM at all",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {"absent": str(folder / "absent")} | {name: str(folder / name) for name in contents}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KEYLEDGER_")]:
        monkeypatch.delenv(name)
