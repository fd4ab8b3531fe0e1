"""Keys and certificates of identity providers, made for one test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def make_signing_key(*, name: str = "Test identity provider", days: int = 30, bits: int = 2048) -> tuple[bytes, bytes]:
    """A private key (PEM, `RSA PRIVATE KEY`) and its self-signed certificate (PEM).

    Args:
        name: the certificate's common name.
        days: how long it is valid from yesterday on; negative makes one that ended.
        bits: the key's size.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins_at = datetime.now(UTC) - timedelta(days=max(1, 1 - days))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins_at)
        .not_valid_after(begins_at + timedelta(days=days) if days > 0 else begins_at + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
