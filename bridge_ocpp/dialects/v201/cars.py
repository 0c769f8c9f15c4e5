"""Cars in OCPP 2.0.1, block M: what chargers ask about contract certificates. Pure tables, no decisions."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from bridge_ocpp.dialects.car_words import CertificateStatusAsked, ContractAsked, named
from bridge_ocpp.dialects.words import Inbound, Payload, Reply
from bridge_ocpp.port import ContractAnswer

LONGEST_OCSP, LONGEST_EXI = 5500, 7500
LONGEST_INFO = 512


def info(code: str, text: str) -> dict[str, Any]:
    """StatusInfoType."""
    return {"reasonCode": code, "additionalInfo": text[:LONGEST_INFO]} if text else {"reasonCode": code}


def _status_asked(payload: Payload) -> CertificateStatusAsked:
    data = payload["ocspRequestData"]
    return CertificateStatusAsked(named(data, (data["responderURL"],)))


def status_answer(longest: int) -> Callable[[Reply], Payload]:
    """The responder's answer as base64 (RFC 6960, DER), where the version has room for it."""

    def answer(reply: Reply) -> Payload:
        if not reply.accepted:
            return {"status": "Failed", "statusInfo": info(reply.code, reply.reason)}
        result = base64.b64encode(reply.content).decode()
        if len(result) > longest:
            return {
                "status": "Failed",
                "statusInfo": info("TooLarge", f"the answer has more than {longest} characters"),
            }
        return {"status": "Accepted", "ocspResult": result}

    return answer


def _contract_asked(payload: Payload) -> ContractAsked:
    most = payload.get("maximumContractCertificateChains")
    return ContractAsked(
        payload["iso15118SchemaVersion"],
        payload["action"],
        payload["exiRequest"],
        None if most is None else int(most),
        tuple(payload.get("prioritizedEMAIDs") or ()),
    )


def contract_answer(longest: int, *, counts: bool) -> Callable[[Reply], Payload]:
    """What the provider said; `counts`: the version has a word for how many contracts are left."""

    def answer(reply: Reply) -> Payload:
        said: ContractAnswer = reply.content
        if len(said.exi_response) > longest:
            why = info("TooLarge", f"the provider's answer has more than {longest} characters")
            return {"status": "Failed", "exiResponse": "", "statusInfo": why}
        payload: dict[str, Any] = {
            "status": "Accepted" if reply.accepted else "Failed",
            "exiResponse": said.exi_response,
        }
        if not reply.accepted:
            payload["statusInfo"] = info(reply.code, reply.reason)
        if counts and said.remaining is not None:
            payload["remainingContracts"] = said.remaining
        return payload

    return answer


def table(*, ocsp: int, exi: int, counts: bool) -> Mapping[str, Inbound]:
    """What both versions handle, each with its own room."""
    return {
        "Get15118EVCertificate": Inbound(_contract_asked, contract_answer(exi, counts=counts)),
        "GetCertificateStatus": Inbound(_status_asked, status_answer(ocsp)),
    }


INBOUND = table(ocsp=LONGEST_OCSP, exi=LONGEST_EXI, counts=False)
