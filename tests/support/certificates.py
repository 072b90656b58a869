"""What FreeSWITCH makes for itself when it is started in a new folder: two RSA keys of 4096 bits.

They take a busy machine up to ten seconds, in the midst of other tests' calls. Nothing here talks DTLS or WSS: one
key serves all.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

#: Less than that it does not take (``switch_core_check_dtls_pem``).
_BITS = 4096
_FILES = ("dtls-srtp.pem", "wss.pem")


def put_certificates(folder: Path) -> None:
    """Have a FreeSWITCH with this folder of certificates make none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        file = folder / name
        file.touch(mode=0o600)
        file.write_bytes(_made())


@functools.cache
def _made() -> bytes:
    """A key and its certificate, of this run's."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return written + made.public_bytes(serialization.Encoding.PEM)
