"""What issuers say of certificates: OCSP requests (RFC 6960) and revocation lists (RFC 5280), written, read, judged.

Pure: bytes in, bytes out. A certificate is named as OCPP names it; whose key hashes to that name is its issuer.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from bridge_ocpp.dialects.car_words import Standing
from bridge_ocpp.dialects.words import CertificateNamed

SKEW = timedelta(minutes=15)
"""How far a responder's clock may be off."""
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}
_STANDINGS = {
    ocsp.OCSPCertStatus.GOOD: "Good",
    ocsp.OCSPCertStatus.REVOKED: "Revoked",
    ocsp.OCSPCertStatus.UNKNOWN: "Unknown",
}


class NotTold(Exception):
    """An answer that says nothing of the certificate, or that cannot be believed; the text says why."""


@dataclass(frozen=True, slots=True)
class Name:
    """CertificateNamed in bytes."""

    algorithm: str
    issuer_name: bytes
    issuer_key: bytes
    serial: int

    @classmethod
    def of(cls, named: CertificateNamed) -> "Name":
        """Raises NotTold for hashes that are none."""
        try:
            name, key = bytes.fromhex(named.issuer_name_hash), bytes.fromhex(named.issuer_key_hash)
            serial = int(named.serial_number, 16)
        except ValueError:
            raise NotTold("the certificate's hashes and serial number are not hexadecimal") from None
        size = _HASHES[named.hash_algorithm].digest_size
        if (len(name), len(key)) != (size, size) or serial < 0:
            raise NotTold(f"the certificate's hashes are not of {named.hash_algorithm}")
        return cls(named.hash_algorithm, name, key, serial)

    @classmethod
    def made(cls, certificate: x509.Certificate, issuer: x509.Certificate) -> "Name":
        """The name of a certificate that is at hand with its issuer's."""
        name = hashlib.sha256(certificate.issuer.public_bytes()).digest()
        return cls("SHA256", name, _key_hash(issuer, "SHA256"), certificate.serial_number)

    def is_issued_by(self, issuer: x509.Certificate) -> bool:
        name = hashlib.new(self.algorithm.lower(), issuer.subject.public_bytes()).digest()
        return name == self.issuer_name and _key_hash(issuer, self.algorithm) == self.issuer_key


@dataclass(frozen=True, slots=True)
class Told:
    """What an issuer said. `proven`: its signature was checked with the issuer's key."""

    standing: Standing
    proven: bool
    der: bytes


def request(name: Name) -> bytes:
    """An OCSP request, in DER."""
    builder = ocsp.OCSPRequestBuilder()
    asked = builder.add_certificate_by_hash(name.issuer_name, name.issuer_key, name.serial, _HASHES[name.algorithm])
    return asked.build().public_bytes(Encoding.DER)


def read_ocsp(der: bytes, name: Name, known: Iterable[x509.Certificate], *, now: datetime) -> Told:
    """What an OCSP answer says. Raises NotTold for one that is of no use, and for one that somebody else signed."""
    try:
        response = ocsp.load_der_ocsp_response(der)
        status = response.response_status
        if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise NotTold(f"the responder says {status.name.lower()}")
        single = next((each for each in response.responses if _is_about(each, name)), None)
        enclosed = list(response.certificates)
    except (ValueError, UnsupportedAlgorithm):
        raise NotTold("the answer is no OCSP response") from None
    if single is None:
        raise NotTold("the answer is about another certificate")
    until = single.next_update_utc
    if single.this_update_utc > now + SKEW or (until is not None and until < now - SKEW):
        raise NotTold("the answer is out of date")
    proven = _proven(response, name, [*known, *enclosed], enclosed, now=now)
    return Told(Standing(_STANDINGS[single.certificate_status], until), proven, der)


def read_crl(body: bytes, name: Name, known: Iterable[x509.Certificate], *, now: datetime) -> Told:
    """What a revocation list says; a list carries no certificates, so its issuer's must be known. Raises NotTold."""
    try:
        pem = body.lstrip().startswith(b"-----BEGIN")
        listed = x509.load_pem_x509_crl(body) if pem else x509.load_der_x509_crl(body)
        issuer_name, until = listed.issuer.public_bytes(), listed.next_update_utc
        revoked = listed.get_revoked_certificate_by_serial_number(name.serial)
    except (ValueError, UnsupportedAlgorithm):
        raise NotTold("the answer is no revocation list") from None
    if hashlib.new(name.algorithm.lower(), issuer_name).digest() != name.issuer_name:
        raise NotTold("the revocation list is another issuer's")
    if listed.last_update_utc > now + SKEW or (until is not None and until < now - SKEW):
        raise NotTold("the revocation list is out of date")
    issuers = [each for each in known if name.is_issued_by(each)]
    if issuers and not any(_signs_list(each, listed) for each in issuers):
        raise NotTold("the revocation list is not signed by its issuer")
    return Told(Standing("Revoked" if revoked else "Good", until), bool(issuers), body)


def _signs_list(issuer: x509.Certificate, listed: x509.CertificateRevocationList) -> bool:
    try:
        return bool(listed.is_signature_valid(issuer.public_key()))  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _is_about(single: ocsp.OCSPSingleResponse, name: Name) -> bool:
    same = (single.serial_number, single.issuer_name_hash, single.issuer_key_hash)
    return same == (name.serial, name.issuer_name, name.issuer_key)


def _proven(
    response: ocsp.OCSPResponse,
    name: Name,
    known: Sequence[x509.Certificate],
    enclosed: Sequence[x509.Certificate],
    *,
    now: datetime,
) -> bool:
    """Whether the issuer, or a responder that it certified for this, signed the answer (RFC 6960, 4.2.2.2).

    False where the issuer is not known. Raises NotTold where it is, and did not sign.
    """
    issuers = [each for each in known if name.is_issued_by(each)]
    if not issuers:
        return False
    signers = [*issuers, *(each for each in enclosed if any(_may_sign(each, by, now=now) for by in issuers))]
    if not any(_signed(each.public_key(), response) for each in signers):
        raise NotTold("the answer is not signed by the certificate's issuer, nor by a responder of its own")
    return True


def _may_sign(responder: x509.Certificate, issuer: x509.Certificate, *, now: datetime) -> bool:
    try:
        responder.verify_directly_issued_by(issuer)
        usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    valid = responder.not_valid_before_utc - SKEW <= now < responder.not_valid_after_utc
    return valid and ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _signed(key: Any, response: ocsp.OCSPResponse) -> bool:
    signature, text = response.signature, response.tbs_response_bytes
    try:
        algorithm = response.signature_hash_algorithm
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, text, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, text, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(signature, text)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _key_hash(certificate: x509.Certificate, algorithm: str) -> bytes:
    """The hash of the certificate's own key, as OCSP takes it."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, certificate, _HASHES[algorithm]).build()
    return asked.issuer_key_hash
