"""Plug & Charge: whether the contract certificate that a car shows still counts (OCPP 2.0.1, C07).

The charger names its chain by hashes, having checked it by itself, or hands the certificates over to be checked here.
The eMAID is authorised afterwards, like any other token.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from bridge_ocpp.dialects.car_words import Standing
from bridge_ocpp.dialects.words import CertificateNamed
from bridge_ocpp.port import AuthStatus, NotServed, Verdict
from bridge_ocpp.security.inquiries import FAILED, Inquiries
from bridge_ocpp.security.revocation import Name, NotTold

log = structlog.get_logger()

ACCEPTED, CANCELLED = "Accepted", "ContractCancelled"
_OF_STANDING = {"Revoked": "CertificateRevoked", "Unknown": "NoCertificateAvailable", "Failed": "CertChainError"}
_ENDED = (AuthStatus.BLOCKED, AuthStatus.EXPIRED)
"""How a token's owner says that the contract is over; in OCPI a token is never deleted, it is no longer valid."""
EMAID = 14
"""Characters of an eMAID without its check digit, which one side may leave out."""


class _Wrong(Exception):
    """The chain is not to be believed; the text is an AuthorizeCertificateStatusEnumType."""


async def status_of(
    inquiries: Inquiries, emaid: str, chain: str | None, named: Sequence[CertificateNamed], *, charger_id: str
) -> str:
    """AuthorizeCertificateStatusEnumType of what the car shows; CertChainError where nothing is proven."""
    try:
        standings = await _standings(inquiries, emaid, chain, named)
    except _Wrong as wrong:
        status = str(wrong)
    else:
        found = {each.status for each in standings}
        status = next((word for standing, word in _OF_STANDING.items() if standing in found), ACCEPTED)
    log.info("contract.checked", charger=charger_id, status=status, by="chain" if chain else "hashes")
    return status


def after(status: str, verdict: Verdict) -> str:
    """The status beside a verdict about the eMAID: a contract that is over is told to be."""
    return CANCELLED if status == ACCEPTED and verdict.status in _ENDED else status


async def _standings(
    inquiries: Inquiries, emaid: str, chain: str | None, named: Sequence[CertificateNamed]
) -> list[Standing]:
    """How it stands with each certificate of the chain."""
    if chain is None:
        return list(await asyncio.gather(*(inquiries.standing(each) for each in named)))
    certificates = _read(chain)
    whole = _believed(certificates, inquiries.authorities, now=inquiries.now())
    if not _names(certificates[0], emaid):
        raise _Wrong("CertChainError")
    urls = {int(each.serial_number, 16): each.urls[0] for each in named if _is_hex(each.serial_number)}
    asked = []
    for certificate, issuer in pairwise(whole):
        url = urls.get(certificate.serial_number) or _responder(certificate)
        if url is not None:
            asked.append(_asked(inquiries, Name.made(certificate, issuer), url, issuer))
    return list(await asyncio.gather(*asked))


async def _asked(inquiries: Inquiries, name: Name, url: str, issuer: x509.Certificate) -> Standing:
    try:
        told = await inquiries.ask_ocsp(name, url, [issuer])
    except (NotServed, NotTold):
        return FAILED
    return told.standing if told.proven else FAILED


def _read(chain: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        raise _Wrong("CertChainError") from None


def _believed(
    certificates: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate], *, now: datetime
) -> list[x509.Certificate]:
    """The chain, the contract first, up to an authority that we believe. Raises _Wrong for any other."""
    whole = list(certificates)
    for child, issuer in pairwise(whole):
        if not _issued(child, issuer):
            raise _Wrong("SignatureError" if child.issuer == issuer.subject else "CertChainError")
    if whole[-1] not in authorities:
        root = next((each for each in authorities if _issued(whole[-1], each)), None)
        if root is None:
            raise _Wrong("CertChainError")
        whole.append(root)
    if any(not _may_issue(each) for each in whole[1:]):
        raise _Wrong("CertChainError")
    if any(not each.not_valid_before_utc <= now < each.not_valid_after_utc for each in whole):
        raise _Wrong("CertificateExpired")
    return whole


def _issued(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (ValueError, x509.ExtensionNotFound):
        return False


def _names(certificate: x509.Certificate, emaid: str) -> bool:
    """The contract's common name is the eMAID, whatever hyphens and check digits stand in either."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return bool(found) and _plain(str(found[0].value)) == _plain(emaid)


def _plain(emaid: str) -> str:
    return emaid.replace("-", "").upper()[:EMAID]


def _responder(certificate: x509.Certificate) -> str | None:
    """The OCSP responder that a certificate names; one that names none can only be believed as it stands."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (ValueError, x509.ExtensionNotFound):
        return None
    ways = (way for way in access if way.access_method == AuthorityInformationAccessOID.OCSP)
    return next(
        (way.access_location.value for way in ways if isinstance(way.access_location, x509.UniformResourceIdentifier)),
        None,
    )


def _is_hex(text: str) -> bool:
    try:
        int(text, 16)
    except ValueError:
        return False
    return True
