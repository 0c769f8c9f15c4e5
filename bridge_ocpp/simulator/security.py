"""The charger's safe: its password, its own certificate and key, the roots that it trusts, and what it notices.

`refuses` are those of REFUSALS that it answers by Rejected.
"""

from __future__ import annotations

import ssl
import tempfile
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.car import hashes_of
from bridge_ocpp.simulator.meter import Payload, stamp

_PEM = serialization.Encoding.PEM
OWN = "ChargingStationCertificate"
_SIGN_ME = {
    "SignChargePointCertificate": OWN,
    "SignChargingStationCertificate": OWN,
    "SignCombinedCertificate": OWN,
    "SignV2GCertificate": "V2GCertificate",
    "SignV2G20Certificate": "V2G20Certificate",
}
"""Which certificate a trigger asks for."""
REFUSALS = ("SetPassword", "CertificateSigned")
"""What it can be made to refuse."""


class Safe:
    """What one charger keeps locked; a key and a chain for each kind of certificate."""

    def __init__(self, charger: Box, password: str | None) -> None:
        self.charger = charger
        self.password = password
        self.chains: dict[str, str] = {}
        self.roots: list[tuple[str, x509.Certificate]] = []
        self.refuses: set[str] = set()
        self.signing = "Idle"
        self._keys: dict[str, tuple[int, ec.EllipticCurvePrivateKey]] = {}
        self._numbers = count(1)

    @property
    def chain(self) -> str | None:
        """The certificate by which it shows who it is."""
        return self.chains.get(OWN)

    async def request_certificate(self, kind: str = OWN) -> None:
        """Make a new key and ask for a certificate for it; newer versions name its kind, and number the request."""
        number, key = next(self._numbers), ec.generate_private_key(ec.SECP256R1())
        self._keys[kind] = number, key
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.charger.charger_id)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        asked: Payload = {"csr": request.public_bytes(_PEM).decode()}
        if self.charger.protocol != "ocpp1.6":
            asked["certificateType"] = kind
        if self.charger.protocol == "ocpp2.1":
            asked["requestId"] = number
        answer = await self.charger.say("SignCertificate", asked)
        self.signing = str(answer.get("status") or answer.get("error") or "not said")
        self.charger.tell("certificate", f"asked for a {kind}: {self.signing}")

    async def notice(self, kind: str, info: str | None = None) -> None:
        """Tell a security event."""
        event = {"type": kind, "timestamp": stamp(self.charger.now())}
        self.charger.tell("security", kind)
        await self.charger.say("SecurityEventNotification", event if info is None else event | {"techInfo": info})

    def take(self, chain: str, kind: str = OWN, number: int | None = None) -> str:
        """The certificate that was asked for, when it is for our key."""
        asked, key = self._keys.get(kind, (None, None))
        try:
            found = x509.load_pem_x509_certificates(chain.encode())
        except ValueError:
            return "Rejected"
        mine = key is not None and found[0].public_key() == key.public_key() and number in (None, asked)
        if not mine or "CertificateSigned" in self.refuses:
            return "Rejected"
        self.chains[kind] = chain
        self.charger.tell("certificate", f"{kind} {found[0].serial_number:X}")
        return "Accepted"

    def show(self, context: ssl.SSLContext | None) -> None:
        """Use the certificate, if there is one, for the connections of this context."""
        if context is None or self.chain is None or OWN not in self._keys:
            return
        plain = serialization.NoEncryption()
        key = self._keys[OWN][1].private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain).decode()
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
        return [(kind, hashes_of(root, root)) for kind, root in self.roots if not kinds or kind in kinds]

    def delete(self, named: Payload) -> str:
        left = [(kind, root) for kind, root in self.roots if hashes_of(root, root) != named]
        found = len(left) < len(self.roots)
        self.roots = left
        return "Accepted" if found else "NotFound"

    def take_password(self, password: str) -> str:
        """A new password for the next connection."""
        if "SetPassword" in self.refuses:
            return "Rejected"
        self.password = password
        return "Accepted"

    def sign_for(self, message: str) -> bool:
        """A trigger that has a certificate asked for; False for any other."""
        if message not in _SIGN_ME:
            return False
        self.charger.soon(self.request_certificate(_SIGN_ME[message]))
        return True


def signed(safe: Safe, payload: Payload) -> Payload:
    """CertificateSigned, in every version."""
    kind = payload.get("certificateType") or OWN
    return {"status": safe.take(payload["certificateChain"], kind, payload.get("requestId"))}


def installed(safe: Safe, payload: Payload) -> Payload:
    return {"status": safe.install(payload["certificateType"], payload["certificate"])}


def deleted(safe: Safe, payload: Payload) -> Payload:
    return {"status": safe.delete(payload["certificateHashData"])}


def listed16(safe: Safe, payload: Payload) -> Payload:
    found = [named for _, named in safe.listed([payload["certificateType"]])]
    return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}


def listed201(safe: Safe, payload: Payload) -> Payload:
    kinds = payload.get("certificateType") or []
    chains = [{"certificateType": kind, "certificateHashData": named} for kind, named in safe.listed(kinds)]
    return {"status": "Accepted", "certificateHashDataChain": chains} if chains else {"status": "NotFound"}
