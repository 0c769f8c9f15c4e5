"""The charger's safe: its password, its own certificate and key, the roots that it trusts, and what it notices.

`refuses` are actions that it answers by Rejected.
"""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload, stamp

_PEM = serialization.Encoding.PEM
_SIGN_ME = ("SignChargePointCertificate", "SignChargingStationCertificate")


class Safe:
    """What one charger keeps locked."""

    def __init__(self, charger: Box, password: str | None) -> None:
        self.charger = charger
        self.password = password
        self.chain: str | None = None
        self.roots: list[tuple[str, x509.Certificate]] = []
        self.refuses: set[str] = set()
        self._key: ec.EllipticCurvePrivateKey | None = None

    async def request_certificate(self) -> None:
        """Make a new key and ask for a certificate for it."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.charger.charger_id)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self._key, hashes.SHA256())
        await self.charger.say("SignCertificate", {"csr": request.public_bytes(_PEM).decode()})

    async def notice(self, kind: str, info: str | None = None) -> None:
        """Tell a security event."""
        event = {"type": kind, "timestamp": stamp(datetime.now(UTC))}
        await self.charger.say("SecurityEventNotification", event if info is None else event | {"techInfo": info})

    def take(self, chain: str) -> str:
        """The certificate that was asked for, when it is for our key."""
        found = x509.load_pem_x509_certificates(chain.encode())
        if self._key is None or found[0].public_key() != self._key.public_key() or "CertificateSigned" in self.refuses:
            return "Rejected"
        self.chain = chain
        self.charger.tell("certificate", f"{found[0].serial_number:X}")
        return "Accepted"

    def show(self, context: ssl.SSLContext | None) -> None:
        """Use the certificate, if there is one, for the connections of this context."""
        if context is None or self.chain is None or self._key is None:
            return
        plain = serialization.NoEncryption()
        key = self._key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain).decode()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "own.pem"
            path.touch(mode=0o600)
            path.write_text(self.chain + key)
            context.load_cert_chain(path)

    # --- roots --------------------------------------------------------------------------------------------------------

    def install(self, kind: str, pem: str) -> str:
        try:
            self.roots.append((kind, x509.load_pem_x509_certificate(pem.encode())))
        except ValueError:
            return "Failed"
        return "Accepted"

    def listed(self, kinds: list[str]) -> list[tuple[str, Payload]]:
        return [(kind, _hashes(root)) for kind, root in self.roots if not kinds or kind in kinds]

    def delete(self, named: Payload) -> str:
        left = [(kind, root) for kind, root in self.roots if _hashes(root) != named]
        found = len(left) < len(self.roots)
        self.roots = left
        return "Accepted" if found else "NotFound"


def _hashes(root: x509.Certificate) -> Payload:
    """How OCPP names a certificate: the issuer's name and key hashed, and the serial number."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(root, root, hashes.SHA256()).build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": asked.issuer_name_hash.hex(),
        "issuerKeyHash": asked.issuer_key_hash.hex(),
        "serialNumber": f"{root.serial_number:x}",
    }


async def answer16(safe: Safe, action: str, payload: Payload) -> Payload | None:
    """OCPP 1.6, the security whitepaper."""
    if action == "ChangeConfiguration" and payload["key"] == "AuthorizationKey":
        return {"status": _password(safe, payload["value"])}
    if action == "ExtendedTriggerMessage":
        return _triggered(safe, payload["requestedMessage"])
    if action == "GetInstalledCertificateIds":
        found = [named for _, named in safe.listed([payload["certificateType"]])]
        return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}
    return _alike(safe, action, payload)


async def answer201(safe: Safe, action: str, payload: Payload) -> Payload | None:
    """OCPP 2.0.1, blocks A and M."""
    if action == "SetVariables":
        (data, *more) = payload["setVariableData"]
        if not more and data["variable"]["name"] == "BasicAuthPassword":
            named = {"component": data["component"], "variable": data["variable"]}
            return {"setVariableResult": [{"attributeStatus": _password(safe, data["attributeValue"]), **named}]}
    if action == "TriggerMessage" and payload["requestedMessage"] in _SIGN_ME:
        return _triggered(safe, payload["requestedMessage"])
    if action == "GetInstalledCertificateIds":
        kinds = payload.get("certificateType") or []
        chains: list[Any] = [{"certificateType": k, "certificateHashData": named} for k, named in safe.listed(kinds)]
        return {"status": "Accepted", "certificateHashDataChain": chains} if chains else {"status": "NotFound"}
    return _alike(safe, action, payload)


def _alike(safe: Safe, action: str, payload: Payload) -> Payload | None:
    if action == "CertificateSigned":
        return {"status": safe.take(payload["certificateChain"])}
    if action == "InstallCertificate":
        return {"status": safe.install(payload["certificateType"], payload["certificate"])}
    if action == "DeleteCertificate":
        return {"status": safe.delete(payload["certificateHashData"])}
    return None


def _password(safe: Safe, password: str) -> str:
    if "SetPassword" in safe.refuses:
        return "Rejected"
    safe.password = password
    return "Accepted"


def _triggered(safe: Safe, message: str) -> Payload:
    if message in _SIGN_ME:
        safe.charger.soon(safe.request_certificate())
        return {"status": "Accepted"}
    if message == "LogStatusNotification":
        safe.charger.soon(safe.charger.say(message, {"status": "Idle"}))
        return {"status": "Accepted"}
    return {"status": "Accepted" if safe.charger.trigger(message) else "NotImplemented"}
