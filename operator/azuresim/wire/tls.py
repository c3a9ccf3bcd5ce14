"""The simulator's own certificate authority, and the server's certificate from it.

Made once per state directory and reused, so that clients that trust the
authority go on trusting it after a restart.
"""

import ipaddress
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE: Final = "ca.pem"
VALID: Final = timedelta(days=825)
ALWAYS: Final = ("127.0.0.1", "localhost")


def server_context(directory: Path, names: Iterable[str] = ()) -> ssl.SSLContext:
    """Return the server's side of TLS, with a certificate for the given names and the loopback.

    The authority's certificate is in `ca.pem`; the certificate is made anew when
    it is about to expire or lacks a name.
    """
    chain = directory / "server.pem"
    ensure(directory, chain, (*ALWAYS, *names))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context


def ensure(directory: Path, chain: Path, names: Iterable[str]) -> None:
    """See to it that a file has a key and a certificate of the authority for all of the names.

    One that has both for long enough is left as it is.
    """
    wanted = tuple(dict.fromkeys(names))
    if not _fit(chain, wanted) or not (directory / CA_FILE).exists():
        _make(directory, chain, wanted)


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner may read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)


def _fit(chain: Path, names: tuple[str, ...]) -> bool:
    if not chain.exists():
        return False
    certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    listed = {str(name.value) for name in alternatives.value}
    return left > timedelta(days=30) and set(names) <= listed


def _make(directory: Path, chain: Path, names: tuple[str, ...]) -> None:
    ca_key, ca = _authority(directory)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "azuresim")]), key.public_key())
        .issuer_name(ca.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(usage, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    write_private(chain, _private(key) + certificate.public_bytes(pem))


def _authority(directory: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key_path, ca_path = directory / "ca.key", directory / CA_FILE
    if key_path.exists() and ca_path.exists():
        kept = serialization.load_pem_private_key(key_path.read_bytes(), None)
        ca = x509.load_pem_x509_certificate(ca_path.read_bytes())
        if isinstance(kept, ec.EllipticCurvePrivateKey) and ca.public_key() == kept.public_key():
            return kept, ca
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "azuresim authority")])
    sign_only = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = (
        _builder(name, key.public_key())
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(sign_only, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(key_path, _private(key))
    ca_path.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    return key, ca


def _builder(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
