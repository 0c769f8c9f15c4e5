"""Security in OCPP 1.6: the messages of the whitepaper (edition 3) and the password key. Pure tables."""

from collections.abc import Mapping

from bridge_ocpp.dialects.alike import TAKEN, UNABLE
from bridge_ocpp.dialects.device_words import Unsayable
from bridge_ocpp.dialects.security_words import (
    CHARGER,
    CSMS_ROOT,
    DELETED,
    EVENT_NOTIFICATION,
    INSTALLED,
    MANUFACTURER_ROOT,
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

PASSWORD = "AuthorizationKey"  # noqa: S105 - the key's name
_KINDS = {CSMS_ROOT: "CentralSystemRootCertificate", MANUFACTURER_ROOT: MANUFACTURER_ROOT}

# --- from the charger ------------------------------------------------------------------------------------------


def _sign_answer(reply: Reply) -> Payload:
    return {"status": "Accepted" if reply.accepted else "Rejected"}


INBOUND: Mapping[str, Inbound] = {
    "SecurityEventNotification": EVENT_NOTIFICATION,
    "SignCertificate": Inbound(lambda payload: SigningWanted(payload["csr"]), _sign_answer),
}

# --- to the charger ------------------------------------------------------------------------------------------------


def _password(command: SetPassword, _: Transaction | None) -> Payload:
    return {"key": PASSWORD, "value": command.password}


def _deliver(command: DeliverCertificate, _: Transaction | None) -> Payload:
    return {"certificateChain": command.chain}


def _ask(command: RequestSigning, _: Transaction | None) -> Payload:
    if command.kind != CHARGER:
        raise Unsayable(f"OCPP 1.6 has no certificates of type {command.kind}")
    return {"requestedMessage": "SignChargePointCertificate"}


def _kind(kind: str) -> str:
    if kind not in _KINDS:
        raise Unsayable(f"OCPP 1.6 has no certificates of type {kind}")
    return _KINDS[kind]


def _install(command: InstallCertificate, _: Transaction | None) -> Payload:
    return said_certificate(command, _kind(command.kind))


def _list(command: ListCertificates, _: Transaction | None) -> Payload:
    (kind,) = command.kinds
    return {"certificateType": _kind(kind)}


def _listed(payload: Payload) -> Outcome:
    found = [read_hashes(item) for item in payload.get("certificateHashData") or ()]
    return Outcome(OutcomeStatus.ACCEPTED, payload={"certificates": found})


OUTBOUND: Mapping[type, Outbound] = {
    SetPassword: Outbound(
        "ChangeConfiguration", _password, outcome({**TAKEN, **UNABLE, "RebootRequired": OutcomeStatus.SCHEDULED})
    ),
    DeliverCertificate: Outbound("CertificateSigned", _deliver, outcome(TAKEN)),
    RequestSigning: Outbound("ExtendedTriggerMessage", _ask, outcome({**TAKEN, **UNABLE})),
    InstallCertificate: Outbound("InstallCertificate", _install, outcome(INSTALLED)),
    ListCertificates: Outbound("GetInstalledCertificateIds", _list, _listed, at_most=1),
    DeleteCertificate: Outbound("DeleteCertificate", said_hashes, outcome(DELETED)),
}
