"""What chargers ask about cars and their drivers: certificates of contracts (ISO 15118), VAT numbers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge_ocpp.dialects.words import CertificateNamed, Fact


@dataclass(frozen=True, slots=True)
class CertificateStatusAsked(Fact):
    """Fetch what the OCSP responder says of a certificate. The content of the reply is that answer, in DER."""

    certificate: CertificateNamed


@dataclass(frozen=True, slots=True)
class ChainStatusAsked(Fact):
    """Have these certificates been revoked? The content of the reply is a Standing for each."""

    certificates: tuple[CertificateNamed, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a certificate: Good, Revoked, Unknown (to its issuer), or Failed; good until then."""

    status: str
    next_update: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContractAsked(Fact):
    """A car asks for its contract certificate. The content of the reply is a port.ContractAnswer."""

    schema_version: str
    action: str
    exi_request: str
    most_chains: int | None = None
    emaids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VatNumberAsked(Fact):
    """Is this a VAT number? The content of the reply is (this fact, a port.VatAnswer)."""

    number: str
    evse_id: int | None = None


def named(item: Mapping[str, Any], urls: tuple[str, ...], source: str = "OCSP") -> CertificateNamed:
    """A CertificateHashDataType or OCSPRequestDataType."""
    return CertificateNamed(
        item["hashAlgorithm"],
        item["issuerNameHash"],
        item["issuerKeyHash"],
        item["serialNumber"],
        urls,
        source,
    )
