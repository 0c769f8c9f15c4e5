"""Those who issue certificates to cars, and say what became of them: answers and lists, really signed."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from tests.bridge.security.authority import Key, named, new_key, pem

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


class Issuer:
    """An authority for contracts; `answers` is what its responder says of a serial number (else GOOD)."""

    def __init__(self, name: str, parent: "Issuer | None" = None, *, key: Key | None = None) -> None:
        self.name, self.key, self.parent = name, key or new_key(), parent
        self.answers: dict[int, ocsp.OCSPCertStatus] = {}
        self.certificate = (parent or self).sign(name, self.key, authority=True)

    def sign(
        self, name: str, key: Any, *, authority: bool = False, days: int = 30, responder: str | None = None, **more: Any
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if responder is not None:
            access = x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        if more.get("signs_answers"):
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
            builder = builder.add_extension(usage, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def hashes_of(self, certificate: x509.Certificate, **more: Any) -> dict[str, Any]:
        """The certificate as OCPP names it."""
        key = self.key.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": hashlib.sha256(named(self.name).public_bytes()).hexdigest(),
            "issuerKeyHash": hashlib.sha256(point).hexdigest(),
            "serialNumber": f"{certificate.serial_number:x}",
        } | more

    def answer(
        self,
        question: bytes,
        *,
        signer: "Issuer | None" = None,
        delegate: tuple[x509.Certificate, Any] | None = None,
        encloses: bool = True,
        age: timedelta = timedelta(0),
        lasts: timedelta | None = timedelta(days=1),
    ) -> bytes:
        """What the responder says to an OCSP request, signed by this issuer, by another, or by a delegate."""
        asked = ocsp.load_der_ocsp_request(question)
        status = self.answers.get(asked.serial_number, GOOD)
        now = datetime.now(UTC) - age
        certificate, key = delegate or ((signer or self).certificate, (signer or self).key)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                asked.serial_number,
                asked.hash_algorithm,
                cert_status=status,
                this_update=now,
                next_update=None if lasts is None else now + lasts,
                revocation_time=now if status is REVOKED else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        )
        if encloses:
            builder = builder.certificates([certificate])
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    def revocation_list(self, *revoked: x509.Certificate, key: Any = None, days: int = 1) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(named(self.name))
            .last_update(now - timedelta(days=2))
            .next_update(now + timedelta(days=days))
        )
        for certificate in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(key or self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def chain(*certificates: x509.Certificate) -> str:
    return "".join(pem(each) for each in certificates)
