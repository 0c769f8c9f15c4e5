"""A certificate authority of the tests' own: real certificates, made when a test needs them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_key(kind: str = "ec") -> Key:
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass
class Pair:
    """A certificate with its key, as files."""

    certificate: x509.Certificate
    key: Key
    folder: Path
    name: str

    @property
    def files(self) -> tuple[Path, Path]:
        paths = self.folder / f"{self.name}.pem", self.folder / f"{self.name}.key"
        paths[0].write_text(pem(self.certificate))
        paths[1].write_text(key_pem(self.key))
        return paths


class Authority:
    """Signs whatever a test wants."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self.folder, self.name, self.key = folder, name, new_key()
        builder = self._builder(named(name), self.key, days=3650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    @property
    def file(self) -> Path:
        path = self.folder / f"{self.name}.ca.pem"
        path.write_text(pem(self.certificate))
        return path

    def server(self, *, kind: str = "ec", name: str = "server") -> Pair:
        key = new_key(kind)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = self._builder(named("localhost"), key, days=30)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Pair(builder.sign(self.key, hashes.SHA256()), key, self.folder, f"{name}-{kind}")

    def client(self, common_name: str, *, names: list[Any] | None = None, days: int = 30, kind: str = "ec") -> Pair:
        """A client certificate; `days` may be negative: it has expired then."""
        key = new_key(kind)
        builder = self._builder(named(common_name), key, days=days)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Pair(builder.sign(self.key, hashes.SHA256()), key, self.folder, f"client-{x509.random_serial_number()}")

    def sign(self, request: x509.CertificateSigningRequest, *, days: int = 30) -> x509.Certificate:
        """What an external authority makes of a request."""
        builder = self._builder(request.subject, request.public_key(), days=days)
        return builder.sign(self.key, hashes.SHA256())

    def _builder(self, subject: x509.Name, key: Any, *, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        public = key.public_key() if hasattr(key, "private_bytes") else key
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(named(self.name))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
