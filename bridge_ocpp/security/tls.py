"""The listener's TLS: its certificates, and the authorities whose client certificates it believes.

Files that change are read again for new connections; open sockets notice nothing.
"""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID, NameOID

from bridge_ocpp.config import TlsFiles

log = structlog.get_logger()

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:kRSA+AESGCM"
"""OCPP 2.0.1, part 2, A00.FR.318 and .319: among them those with an RSA key exchange, which old chargers need."""


class Identity:
    """What the listener shows and whom it believes, as the files and our own authority stand now.

    `context` is for the listener and stays the same; each handshake is done with the newest one.
    """

    def __init__(self, files: TlsFiles) -> None:
        """Raises OSError for a file that cannot be read, ValueError for one that makes no sense."""
        self._files = files
        self._authorities: tuple[str, ...] = ()
        self._seen = self._look()
        self._newest = self._build()
        self.context = self._build()
        self.context.sni_callback = self._serve_newest

    def refresh(self, authorities: Iterable[str]) -> bool:
        """Read again what has changed; `authorities` are PEM certificates beside the file's. What cannot be read now
        is tried again the next time, and the old certificates serve on."""
        found, wanted = self._look(), tuple(authorities)
        if (found, wanted) == (self._seen, self._authorities):
            return False
        before, self._authorities = self._authorities, wanted
        try:
            self._newest = self._build()
        except (OSError, ValueError) as error:
            self._authorities = before
            log.warning("bridge.tls_not_read", error=str(error))
            return False
        self._seen = found
        log.info("bridge.tls_read")
        return True

    def _serve_newest(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._newest

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stat(path) for path in self._files.all())

    def _build(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.options |= ssl.OP_NO_RENEGOTIATION
        for certificate, key in self._files.pairs:
            _load_pair(context, certificate, key)
        # Whoever shows no certificate may still have a password; who shows a wrong one is refused by the handshake.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if self._files.client_authority is not None:
            _load_authorities(context, self._files.client_authority)
        for pem in self._authorities:
            context.load_verify_locations(cadata=pem)
        return context


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        if not path.exists():
            raise FileNotFoundError(f"the TLS file {path} does not exist")
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise ValueError(
            f"{certificate} and {key} are no certificate and its unencrypted key, both PEM: {error.reason}"
        ) from None


def _no_password() -> str:
    raise ValueError("a TLS key file must not be encrypted: nobody is there to type its password")


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"the TLS file {path} does not exist")
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise ValueError(f"{path} holds no certificates of authorities in PEM: {error.reason}") from None


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that a charger showed and that the handshake found valid. `serial` is in hexadecimal,
    `fingerprint` its SHA-256."""

    names: frozenset[str]
    serial: str
    fingerprint: bytes

    def is_for(self, charger_id: str) -> bool:
        """Whether it names this charger: its common name, or a DNS name or URI among its alternative names."""
        return charger_id.casefold() in self.names


def read_certificate(der: bytes) -> ClientCertificate:
    """The names and the serial number of a certificate. Raises ValueError when it cannot be read."""
    certificate = x509.load_der_x509_certificate(der)
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        found = None
    if isinstance(found, x509.SubjectAlternativeName):
        names += found.get_values_for_type(x509.DNSName)
        names += found.get_values_for_type(x509.UniformResourceIdentifier)
    return ClientCertificate(
        frozenset(name.casefold() for name in names),
        f"{certificate.serial_number:X}",
        certificate.fingerprint(SHA256()),
    )
