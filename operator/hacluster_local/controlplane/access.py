"""Who may talk to the control plane: certificates, and the kubeconfig files that carry them.

All private keys live in files only their owner can read.
"""

import base64
import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONTEXT: Final = "hacluster-local"
"""The context's name in every kubeconfig made here; tests refuse any other."""
VALID_FOR: Final = datetime.timedelta(days=365)
CLOCK_SLACK: Final = datetime.timedelta(hours=1)
SIGNS_CERTIFICATES: Final = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def write_secret(path: Path, content: str | bytes) -> Path:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, as files in PEM form."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority for one environment: signs servers on loopback, and clients."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make a new authority: its certificate is ``folder/ca.crt``, its key stays in memory."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._subject, self._subject, self._key.public_key())
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(SIGNS_CERTIFICATES, critical=True)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.certificate = folder / "ca.crt"
        self.certificate.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def server(self, name: str) -> Pair:
        """Issue a certificate for a server on 127.0.0.1 and localhost."""
        addresses: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.DNSName("localhost"),
        ]
        names = x509.SubjectAlternativeName(addresses)
        return self._issue(name, _name(name), ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, file: str, user: str, groups: tuple[str, ...] = ()) -> Pair:
        """Issue a certificate that names a Kubernetes user and the groups the user is in."""
        return self._issue(file, _name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _issue(
        self,
        file: str,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self._subject, key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = self._folder / f"{file}.crt"
        certificate.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        return Pair(certificate=certificate, key=write_key(self._folder / f"{file}.key", key))


def write_key(path: Path, key: ec.EllipticCurvePrivateKey | None = None) -> Path:
    """Write a private key, a new one if none is given."""
    pem = (key or ec.generate_private_key(ec.SECP256R1())).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,  # the only form kube-apiserver reads
        serialization.NoEncryption(),
    )
    return write_secret(path, pem)


def write_kubeconfig(path: Path, server: str, authority: Path, user: dict[str, str]) -> Path:
    """Write a kubeconfig with one context; ``user`` is a kubeconfig's user entry."""
    cluster = {"server": server, "certificate-authority-data": _encoded(authority)}
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return write_secret(path, yaml.safe_dump(config, sort_keys=False))


def by_certificate(pair: Pair) -> dict[str, str]:
    """Return the user entry of a kubeconfig for someone who shows a certificate."""
    return {
        "client-certificate-data": _encoded(pair.certificate),
        "client-key-data": _encoded(pair.key),
    }


def _name(user: str, groups: tuple[str, ...] = ()) -> x509.Name:
    """Kubernetes takes the user from the common name and the groups from the organizations."""
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
