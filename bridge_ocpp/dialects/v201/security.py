"""Security in OCPP 2.0.1: blocks A and M, and the password variable. Pure."""

from collections.abc import Mapping
from typing import Any

from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.security_words import (
    CHARGER,
    DELETED,
    EVENT_NOTIFICATION,
    INSTALLED,
    DeliverCertificate,
    SetPassword,
    SigningWanted,
    read_hashes,
    said_certificate,
    said_hashes,
)
from bridge_ocpp.dialects.words import Inbound, Outbound, Payload, Reply, outcome
from bridge_ocpp.port import (
    DeleteCertificate,
    InstallCertificate,
    ListCertificates,
    Outcome,
    OutcomeStatus,
    RequestSigning,
    Transaction,
)

LONGEST_INFO = 512

# --- from the charger ------------------------------------------------------------------------------------------


def _sign(payload: Payload) -> SigningWanted:
    number = payload.get("requestId")
    return SigningWanted(
        payload["csr"], payload.get("certificateType", CHARGER), None if number is None else int(number)
    )


def _sign_answer(reply: Reply) -> Payload:
    if reply.accepted:
        return {"status": "Accepted"}
    return {"status": "Rejected", "statusInfo": _info("InvalidCSR", reply.reason)}


def _info(code: str, text: str) -> dict[str, Any]:
    return {"reasonCode": code, "additionalInfo": text[:LONGEST_INFO]}


INBOUND: Mapping[str, Inbound] = {
    "SecurityEventNotification": EVENT_NOTIFICATION,
    "SignCertificate": Inbound(_sign, _sign_answer),
}

# --- to the charger ------------------------------------------------------------------------------------------------


def _password(command: SetPassword, _: Transaction | None) -> Payload:
    data = {
        "attributeValue": command.password,
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
    }
    return {"setVariableData": [data]}


def _password_set(payload: Payload) -> Outcome:
    (result,) = payload["setVariableResult"][:1]
    return _SET({"status": result["attributeStatus"], "statusInfo": result.get("attributeStatusInfo")})


def _deliver(command: DeliverCertificate, _: Transaction | None) -> Payload:
    return {"certificateChain": command.chain, "certificateType": command.kind}


def _ask(command: RequestSigning, _: Transaction | None) -> Payload:
    return {"requestedMessage": f"Sign{command.kind}"}


def _install(command: InstallCertificate, _: Transaction | None) -> Payload:
    return said_certificate(command, command.kind)


def _list(command: ListCertificates, _: Transaction | None) -> Payload:
    return {"certificateType": list(command.kinds)} if command.kinds else {}


def _listed(payload: Payload) -> Outcome:
    found = [
        {
            "type": chain["certificateType"],
            **read_hashes(chain["certificateHashData"]),
            "children": [read_hashes(child) for child in chain.get("childCertificateHashData") or ()],
        }
        for chain in payload.get("certificateHashDataChain") or ()
    ]
    return Outcome(OutcomeStatus.ACCEPTED, payload={"certificates": found})


_SET = outcome(
    {
        **TAKEN,
        "RebootRequired": OutcomeStatus.SCHEDULED,
        "UnknownComponent": OutcomeStatus.NOT_SUPPORTED,
        "UnknownVariable": OutcomeStatus.NOT_SUPPORTED,
        "NotSupportedAttributeType": OutcomeStatus.NOT_SUPPORTED,
    }
)

OUTBOUND: Mapping[type, Outbound] = {
    SetPassword: Outbound("SetVariables", _password, _password_set),
    DeliverCertificate: Outbound("CertificateSigned", _deliver, outcome(TAKEN)),
    RequestSigning: Outbound("TriggerMessage", _ask, outcome({**TAKEN, "NotImplemented": OutcomeStatus.NOT_SUPPORTED})),
    InstallCertificate: Outbound("InstallCertificate", _install, outcome(INSTALLED)),
    ListCertificates: Outbound("GetInstalledCertificateIds", _list, _listed),
    DeleteCertificate: Outbound("DeleteCertificate", said_hashes, outcome(DELETED)),
}
