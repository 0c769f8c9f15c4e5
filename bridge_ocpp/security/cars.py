"""What is done when chargers ask about cars: issuers, providers of contracts and others are asked, never made up."""

import asyncio

import structlog

from bridge_ocpp.dialects.car_words import (
    CertificateStatusAsked,
    ChainStatusAsked,
    ContractAsked,
    VatNumberAsked,
)
from bridge_ocpp.dialects.words import Reply
from bridge_ocpp.port import ContractAnswer, ContractWanted, NotServed, Outside, VatAnswer
from bridge_ocpp.security import vat
from bridge_ocpp.security.inquiries import Inquiries
from bridge_ocpp.security.revocation import NotTold
from bridge_ocpp.speaker import Speaker

log = structlog.get_logger()


async def certificate_status(inquiries: Inquiries, speaker: Speaker, told: CertificateStatusAsked) -> Reply:
    """The responder's own answer; whether it is signed by the right one, the charger sees for itself, too."""
    try:
        der = await inquiries.responder_says(told.certificate)
    except NotServed as error:
        code, reason = error.code, str(error)
    except NotTold as error:
        code, reason = "NotTold", str(error)
    else:
        return Reply(inquiries.now(), content=der)
    log.info("cars.no_status", charger=speaker.id, reason=reason)
    return Reply(inquiries.now(), accepted=False, code=code, reason=reason)


async def chain_status(inquiries: Inquiries, told: ChainStatusAsked) -> Reply:
    """How it stands with each; what nobody proves is Failed."""
    standings = await asyncio.gather(*(inquiries.standing(each) for each in told.certificates))
    return Reply(inquiries.now(), content=list(zip(told.certificates, standings, strict=True)))


async def contract(outside: Outside, inquiries: Inquiries, speaker: Speaker, told: ContractAsked) -> Reply:
    """The provider's answer, which is for the car."""
    wanted = ContractWanted(
        speaker.id, told.schema_version, told.action, told.exi_request, told.most_chains, told.emaids
    )
    try:
        said = await outside.contract(wanted)
    except NotServed as error:
        log.warning("cars.no_contract", charger=speaker.id, code=error.code, reason=str(error))
        return Reply(inquiries.now(), accepted=False, code=error.code, reason=str(error), content=ContractAnswer(False))
    log.info("cars.contract", charger=speaker.id, action=told.action, accepted=said.accepted)
    return Reply(inquiries.now(), accepted=said.accepted, code="Refused", reason=said.reason, content=said)


async def vat_number(outside: Outside, inquiries: Inquiries, speaker: Speaker, told: VatNumberAsked) -> Reply:
    """Asked of the service only where it has the form of one."""
    number = vat.plain(told.number)
    if not vat.may_be(number):
        return _vat(inquiries, told, "InvalidVatNumber", f"{number[:20]} has not the form of a VAT number")
    try:
        said = await outside.vat_number(speaker.id, number)
    except NotServed as error:
        log.warning("cars.no_vat", charger=speaker.id, code=error.code, reason=str(error))
        return _vat(inquiries, told, error.code, str(error))
    return Reply(inquiries.now(), accepted=said.accepted, code="Refused", reason=said.reason, content=(told, said))


def _vat(inquiries: Inquiries, told: VatNumberAsked, code: str, reason: str) -> Reply:
    return Reply(inquiries.now(), accepted=False, code=code, reason=reason, content=(told, VatAnswer(False)))
