"""What a certificate authority does: make itself, read requests, sign them, check what others have signed. No I/O.

Keys are ECDSA P-256. Certificates of chargers are for TLS clients only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=3650)
SKEW = timedelta(minutes=15)
"""A charger's clock may be that slow and still find its certificate valid."""
SMALLEST_RSA, SMALLEST_CURVE = 2048, 224
"""OCPP 2.0.1, part 2, A00.FR.508 and .509 (NIST: 112 bits)."""
LONGEST_CHAIN = 10_000
"""Characters of a chain in CertificateSigned, in every version."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One of ours, able to sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(name: str, *, now: datetime) -> Authority:
    """A new authority that has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:45]} charger CA"),
        ]
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def seal(key: ec.EllipticCurvePrivateKey, secret: bytes) -> str:
    """The key as PEM that only `secret` opens."""
    encryption = serialization.BestAvailableEncryption(secret.hex().encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def unseal(sealed: str, secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The key again. Raises ValueError when another secret sealed it."""
    key = serialization.load_pem_private_key(sealed.encode(), secret.hex().encode())
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("a charger CA of ours has an ECDSA key")
    return key


def read_request(csr: str) -> x509.CertificateSigningRequest:
    """A request that may be signed. Raises ValueError, saying why, for one that may not."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key, right = request.public_key(), request.is_signature_valid
    except Exception:  # the library raises many kinds, from UnsupportedAlgorithm to ParseError
        raise ValueError("the request is no PKCS #10 in PEM that can be read") from None
    if not right:
        raise ValueError("the request is not signed by its own key")
    _check_key(key)
    return request


def _check_key(key: object) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA:
            raise ValueError(f"an RSA key has {SMALLEST_RSA} bits or more, this one {key.key_size}")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < SMALLEST_CURVE:
            raise ValueError(f"an elliptic curve has {SMALLEST_CURVE} bits or more, this one {key.curve.key_size}")
    elif not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        raise ValueError("the request's key is neither ECDSA nor RSA")


def common_name(request: x509.CertificateSigningRequest) -> str:
    """Whom the request is for; an empty string when it does not say."""
    found = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def sign(
    authority: Authority,
    request: x509.CertificateSigningRequest,
    *,
    now: datetime,
    lifetime: timedelta,
    for_cars: bool = False,
) -> x509.Certificate:
    """A certificate for a TLS client (`for_cars`: server), with the request's subject and key and nothing else."""
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if for_cars else ExtendedKeyUsageOID.CLIENT_AUTH
    issuer, key = authority.certificate, request.public_key()
    issuer_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now + lifetime, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False, agrees=for_cars), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
    )
    return builder.sign(authority.key, hashes.SHA256())


def _usage(*, signs: bool, agrees: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=agrees,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def read_chain(chain: str, request: x509.CertificateSigningRequest, *, now: datetime) -> list[x509.Certificate]:
    """A chain that somebody else signed for this request. Raises ValueError, saying why, where it does not fit."""
    if len(chain) > LONGEST_CHAIN:
        raise ValueError(f"a chain has at most {LONGEST_CHAIN} characters, this one {len(chain)}")
    try:
        found = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        raise ValueError("the chain is not one or more certificates in PEM") from None
    if _public(found[0].public_key()) != _public(request.public_key()):
        raise ValueError("the first certificate of the chain is not for the key of the request")
    if not found[0].not_valid_before_utc - SKEW <= now < found[0].not_valid_after_utc:
        raise ValueError("the certificate is not valid today")
    for child, issuer in pairwise(found):
        try:
            child.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise ValueError(f"{_named(issuer)} did not sign the certificate before it in the chain") from None
    return found


def _public(key: object) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, form)  # type: ignore[attr-defined, no-any-return]


def _named(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or f"the certificate {certificate.serial_number:X}"


def pem(certificates: Sequence[x509.Certificate]) -> str:
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number in hexadecimal."""
    return f"{certificate.serial_number:X}"


def fingerprint(certificate: x509.Certificate) -> bytes:
    return certificate.fingerprint(hashes.SHA256())
