"""A car at a charger: what it wants, by when, and the contract that it charges by (ISO 15118).

A real car asks for its contract in EXI and gets it encrypted. This one asks with a certificate request and takes a
chain in PEM, both in base64 where OCPP has EXI: the hub looks into neither, and who answers it is a simulator, too.
"""

import base64
import binascii
from dataclasses import dataclass, field
from decimal import Decimal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from bridge_ocpp.simulator.meter import Payload


class NoContract(Exception):
    """What came is no contract for this car; the text says why."""


@dataclass
class Car:
    """Energy in Wh; `departs_in` are seconds from when it is plugged in. `chain` is its contract first.

    `vehicle` is what its maker called it (PCID): by this name it asks for its first contract.
    """

    wants_wh: Decimal = Decimal(10_000)
    departs_in: float = 3600.0
    dc: bool = False
    battery_wh: Decimal = Decimal(60_000)
    soc: Decimal = Decimal(40)
    vehicle: str = "SIMULATEDCAR00001"
    chain: list[x509.Certificate] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def emaid(self) -> str | None:
        """The contract's id, as its certificate has it."""
        return None if not self.chain else _common_name(self.chain[0])

    def request(self) -> str:
        """What the car says to get a contract, by its contract's name where it has one."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.emaid or self.vehicle)])
        made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.key, hashes.SHA256())
        return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()

    def take(self, response: str) -> None:
        """Install the contract that came. Raises NoContract for anything else."""
        try:
            chain = x509.load_pem_x509_certificates(base64.b64decode(response, validate=True))
        except (ValueError, binascii.Error):
            raise NoContract("a response came that only a real car can read") from None
        if chain[0].public_key() != self.key.public_key():
            raise NoContract("the contract that came is for another car")
        self.chain = chain

    def drive_with(self, pem: bytes) -> None:
        """Have the contract of a file: the chain, the contract first. Raises NoContract."""
        try:
            self.chain = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise NoContract(f"no certificates in PEM ({error})") from None

    def pem(self) -> str:
        return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in self.chain)

    def named(self) -> list[Payload]:
        """Each certificate that can be asked about, as OCPP names it (OCSPRequestDataType)."""
        found = []
        for certificate, issuer in zip(self.chain, self.chain[1:], strict=False):
            url = responder_of(certificate)
            if url is not None:
                found.append({**hashes_of(certificate, issuer), "responderURL": url})
        return found


def hashes_of(certificate: x509.Certificate, issuer: x509.Certificate) -> Payload:
    """How OCPP names a certificate: the issuer's name and key hashed, and the serial number."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{certificate.serial_number:x}",
    }


def responder_of(certificate: x509.Certificate) -> str | None:
    """The OCSP responder that a certificate names."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return None
    ways = (way.access_location for way in access if way.access_method == AuthorityInformationAccessOID.OCSP)
    return next((str(way.value) for way in ways if isinstance(way, x509.UniformResourceIdentifier)), None)


def _common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
