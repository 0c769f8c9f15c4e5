"""The words of the link's security: what a charger tells or wants, and what only the bridge itself says to it. Pure."""

from dataclasses import dataclass, field
from typing import Any

from bridge_ocpp.clock import Said, read_time
from bridge_ocpp.dialects.alike import TAKEN
from bridge_ocpp.dialects.words import Fact, Inbound, Payload, nothing
from bridge_ocpp.port import Command, DeleteCertificate, InstallCertificate, OutcomeStatus, Transaction

CHARGER = "ChargingStationCertificate"
"""The kind of a charger's own certificate: that of its client side towards us (CertificateSigningUseEnumType)."""
FOR_CARS, FOR_CARS_20 = "V2GCertificate", "V2G20Certificate"
"""Those of its server side towards cars: by ISO 15118-2, and from 2.1 on by ISO 15118-20."""
RENEWABLE = (CHARGER, FOR_CARS, FOR_CARS_20)
CSMS_ROOT, MANUFACTURER_ROOT = "CSMSRootCertificate", "ManufacturerRootCertificate"
INSTALLABLE = (CSMS_ROOT, MANUFACTURER_ROOT, "V2GRootCertificate", "MORootCertificate", "OEMRootCertificate")
LISTABLE = (*INSTALLABLE, "V2GCertificateChain")

CRITICAL = frozenset(
    (
        *("FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot", "SecurityLogWasCleared"),
        *("MemoryExhaustion", "TamperDetectionActivated", "MaintenanceLoginAccepted", "MaintenanceLoginFailed"),
    )
)
OTHER_EVENTS = frozenset(
    (
        *("FailedToAuthenticateAtCsms", "FailedToAuthenticateAtCentralSystem", "CsmsFailedToAuthenticate"),
        *("CentralSystemFailedToAuthenticate", "ReconfigurationOfSecurityParameters", "InvalidMessages"),
        *("AttemptedReplayAttacks", "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate"),
        *("InvalidCsmsCertificate", "InvalidCentralSystemCertificate", "InvalidChargingStationCertificate"),
        *("InvalidChargePointCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite"),
    )
)
"""OCPP 2.0.1, part 2, appendix 1; the 1.6 whitepaper, 5: which security events there are, and which are critical."""


# --- from the charger ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecurityEvent(Fact):
    """Something happened to the charger's security."""

    kind: str
    said: Said
    info: str | None = None


@dataclass(frozen=True, slots=True)
class SigningWanted(Fact):
    """Please sign this request (PEM). `number` is the charger's own for it, where the version has one."""

    csr: str
    kind: str = CHARGER
    number: int | None = None


# --- to the charger ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetPassword(Command):
    """Come with this password from now on. Said by the bridge that made it, to nobody else."""

    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliverCertificate(Command):
    """The certificate that the charger asked for: a chain in PEM, its own first."""

    chain: str
    kind: str = CHARGER
    number: int | None = None


# --- what the versions say alike -----------------------------------------------------------------------------------

INSTALLED = {**TAKEN, "Failed": OutcomeStatus.FAILED}
DELETED = {"Accepted": OutcomeStatus.ACCEPTED, "Failed": OutcomeStatus.FAILED, "NotFound": OutcomeStatus.UNKNOWN}


def _event(payload: Payload) -> SecurityEvent:
    return SecurityEvent(payload["type"], read_time(payload.get("timestamp")), payload.get("techInfo"))


EVENT_NOTIFICATION = Inbound(_event, nothing)


def read_hashes(item: Payload) -> dict[str, Any]:
    """How a charger names a certificate, in the port's words."""
    return {
        "hash_algorithm": item["hashAlgorithm"],
        "issuer_name_hash": item["issuerNameHash"],
        "issuer_key_hash": item["issuerKeyHash"],
        "serial_number": item["serialNumber"],
    }


def said_hashes(command: DeleteCertificate, _: Transaction | None) -> Payload:
    """The certificate that the command names, in a charger's words."""
    return {
        "certificateHashData": {
            "hashAlgorithm": command.hash_algorithm,
            "issuerNameHash": command.issuer_name_hash,
            "issuerKeyHash": command.issuer_key_hash,
            "serialNumber": command.serial_number,
        }
    }


def said_certificate(command: InstallCertificate, kind: str) -> Payload:
    return {"certificateType": kind, "certificate": command.certificate}
