"""What a charger does for a car's contract (OCPP 2.x, blocks C and M): asked for, asked about, shown.

Whether a contract is looked at here or by the central system is the variable CentralContractValidationAllowed.
"""

from __future__ import annotations

import base64

from cryptography.x509 import ocsp

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.car import Car, NoContract
from bridge_ocpp.simulator.meter import Payload

SCHEMA = "urn:iso:15118:2:2013:MsgDef"
_GOOD = ("GOOD", "Good")


class PlugAndCharge:
    """The contracts of the cars at one charger. Each refusal is a NoContract with the central system's own words."""

    def __init__(self, charger: Box) -> None:
        self.charger = charger

    def is_on(self, variable: str) -> bool:
        found = self.charger.device.named("ISO15118Ctrlr", variable)
        return found is not None and found.value == "true"

    async def fetch(self, car: Car) -> None:
        """A first contract for a car that has none, a new one for one that has. Raises NoContract."""
        action = "Update" if car.chain else "Install"
        if not self.is_on(f"ContractCertificate{'Update' if car.chain else 'Installation'}Enabled"):
            raise NoContract(f"the variable of this charger forbids to {action.lower()} contracts")
        asked: Payload = {"iso15118SchemaVersion": SCHEMA, "action": action, "exiRequest": car.request()}
        if self.charger.protocol == "ocpp2.1":
            asked["maximumContractCertificateChains"] = 1
            if car.emaid is not None:
                asked["prioritizedEMAIDs"] = [car.emaid]
        answer = await self.charger.call("Get15118EVCertificate", asked)
        if answer.get("status") != "Accepted":
            raise NoContract(f"no contract: {why(answer)}")
        car.take(str(answer["exiResponse"]))
        until = car.chain[0].not_valid_after_utc
        self.charger.tell("contract", f"{'new ' if action == 'Update' else ''}{car.emaid}, until {until:%Y-%m-%d}")

    async def look(self, car: Car) -> None:
        """Ask how it stands with each certificate of the contract. Raises NoContract unless all are good."""
        for named in car.named():
            answer = await self.charger.call("GetCertificateStatus", {"ocspRequestData": named})
            if answer.get("status") != "Accepted":
                raise NoContract(f"nobody told of certificate {named['serialNumber'][:8]}: {why(answer)}")
            self._judge(named, _said(str(answer["ocspResult"]), named), by="its responder")
        if self.charger.protocol == "ocpp2.1" and car.named():
            await self._look_at_all(car)

    async def _look_at_all(self, car: Car) -> None:
        """The same in one question (2.1)."""
        asked = [
            {"certificateHashData": hashed, "source": "OCSP", "urls": [url]}
            for named in car.named()
            for url, hashed in [(named["responderURL"], {k: v for k, v in named.items() if k != "responderURL"})]
        ]
        answer = await self.charger.call("GetCertificateChainStatus", {"certificateStatusRequests": asked})
        for each in answer.get("certificateStatus") or ():
            self._judge(each["certificateHashData"], each["status"], by="the central system, of the whole chain")

    def _judge(self, named: Payload, word: str, *, by: str) -> None:
        self.charger.tell("contract", f"certificate {named['serialNumber'][:8]} is {word.lower()}, says {by}")
        if word not in _GOOD:
            raise NoContract(f"certificate {named['serialNumber'][:8]} is {word.lower()}")

    async def show(self, car: Car) -> tuple[str, str | None]:
        """Authorise the car by its contract: the verdict, the group. Raises NoContract where Plug & Charge is off."""
        if not self.is_on("PnCEnabled"):
            raise NoContract("Plug & Charge is off: the variable PnCEnabled of this charger is false")
        asked: Payload = {"idToken": {"idToken": car.emaid, "type": "eMAID"}}
        if self.is_on("CentralContractValidationAllowed"):
            asked["certificate"] = car.pem()
        elif car.named():
            asked["iso15118CertificateHashData"] = car.named()
        answer = await self.charger.call("Authorize", asked)
        info = answer.get("idTokenInfo") or {}
        verdict, contract = str(info.get("status", "Invalid")), answer.get("certificateStatus", "not looked at")
        self.charger.tell("contract", f"{car.emaid} is {verdict}, its certificates are {contract}")
        return verdict, (info.get("groupIdToken") or {}).get("idToken")


def why(answer: Payload) -> str:
    """What the central system says of a refusal, in its own words."""
    info = answer.get("statusInfo") or {}
    words = info.get("additionalInfo") or info.get("reasonCode")
    return str(
        words or answer.get("description") or answer.get("error") or answer.get("status") or "no reason was given"
    )


def _said(result: str, named: Payload) -> str:
    """What the responder says of the certificate. Raises NoContract for what is no answer about it."""
    try:
        said = ocsp.load_der_ocsp_response(base64.b64decode(result))
        if said.serial_number != int(named["serialNumber"], 16):
            raise NoContract("the responder told of another certificate")
        return said.certificate_status.name
    except ValueError:
        raise NoContract("what came is no answer of an OCSP responder") from None
