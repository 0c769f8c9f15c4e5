"""A simulated provider for cars: it signs contracts, says by OCSP how they stand, and knows a VAT number.

For the hub it is the service behind OCPI_HUB_CONTRACT_CERTIFICATES_URL and OCPI_HUB_VAT_NUMBERS_URL. Simulated cars say
in plain certificates what real ones say in EXI (`bridge_ocpp/simulator/car.py`); its authorities stay in a folder.
"""

import base64
import binascii
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from ocpi_hub.wire import json as wire_json

Document = dict[str, Any]
STANDINGS = {
    "good": ocsp.OCSPCertStatus.GOOD,
    "revoked": ocsp.OCSPCertStatus.REVOKED,
    "unknown": ocsp.OCSPCertStatus.UNKNOWN,
}
"""What its responder may say of all contracts."""
FIRST_CONTRACT = "NLSIMC"
LASTS = timedelta(days=90)
COMPANY = {
    "name": "Simulated Company",
    "address1": "Station Square 1",
    "postalCode": "9000",
    "city": "Ghent",
    "country": "Belgium",
}


class SimulatedProvider:
    """One provider. `standing` is one of STANDINGS; without `contracts` no car gets one; it knows one `vat_number`.

    `tell` hears a line for each thing that happens, as (kind, text).
    """

    def __init__(
        self,
        folder: Path,
        *,
        standing: str = "good",
        contracts: bool = True,
        vat_number: str = "BE0123456789",
        tell: Callable[[str, str], None] | None = None,
    ) -> None:
        self.standing = standing
        self.contracts = contracts
        self.vat_number = vat_number
        self.url = ""
        self.emaids: dict[str, str] = {}
        self._tell = tell or (lambda _kind, _text: None)
        self._folder = folder
        self._numbers = count(1)
        folder.mkdir(parents=True, exist_ok=True)
        self._root, root_key = self._authority("root", None)
        self._sub, self._key = self._authority("sub", (self._root, root_key))
        self.authorities.write_text(_pem(self._root) + _pem(self._sub))

    @property
    def authorities(self) -> Path:
        """For OCPI_HUB_CONTRACT_AUTHORITIES."""
        return self._folder / "authorities.pem"

    def settings(self) -> dict[str, str]:
        """What a hub must be started with, to ask here."""
        return {
            "OCPI_HUB_CONTRACT_AUTHORITIES": str(self.authorities.resolve()),
            "OCPI_HUB_CONTRACT_CERTIFICATES_URL": f"{self.url}/contracts",
            "OCPI_HUB_VAT_NUMBERS_URL": f"{self.url}/vat",
            "OCPI_HUB_PARTNER_NETWORKS": "127.0.0.0/8",
        }

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["SimulatedProvider"]:
        """Listen on loopback as long as the block lasts; port 0 takes a free one."""
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_post("/contracts", self._contract)
        app.router.add_post("/ocsp", self._ocsp)
        app.router.add_post("/vat", self._vat)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    # --- what it is asked -------------------------------------------------------------------------------------------

    async def _contract(self, request: web.Request) -> web.Response:
        asked = wire_json.loads(await request.read())
        try:
            wanted = x509.load_der_x509_csr(base64.b64decode(asked["exiRequest"], validate=True))
        except (ValueError, binascii.Error):
            return self._refused("only simulated cars are understood here")
        name = str(wanted.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        if not self.contracts:
            return self._refused("no contract for this car")
        if asked["action"] == "Update" and name not in self.emaids.values() and not name.startswith(FIRST_CONTRACT):
            return self._refused(f"{name} is none of our contracts")
        emaid = name if asked["action"] == "Update" else self._emaid(name)
        chain = _pem(self._signed(emaid, wanted)) + _pem(self._sub) + _pem(self._root)
        self._tell("contract", f"{asked['action'].lower()} at {asked['charger']}: {emaid} for {name}")
        response = base64.b64encode(chain.encode()).decode()
        return web.json_response({"status": "Accepted", "exiResponse": response, "remainingContracts": 0})

    def _emaid(self, vehicle: str) -> str:
        """The contract of a car: the same one again."""
        if vehicle not in self.emaids:
            self.emaids[vehicle] = f"{FIRST_CONTRACT}{next(self._numbers):08d}"
        return self.emaids[vehicle]

    def _refused(self, reason: str) -> web.Response:
        self._tell("contract", f"refused: {reason}")
        return web.json_response({"status": "Failed", "exiResponse": "", "reason": reason})

    async def _ocsp(self, request: web.Request) -> web.Response:
        asked = ocsp.load_der_ocsp_request(await request.read())
        standing, now = STANDINGS[self.standing], datetime.now(UTC)
        answer = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                asked.serial_number,
                asked.hash_algorithm,
                cert_status=standing,
                this_update=now,
                next_update=now + timedelta(minutes=1),
                revocation_time=now if standing is STANDINGS["revoked"] else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self._sub)
            .certificates([self._sub])
            .sign(self._key, hashes.SHA256())
        )
        self._tell("ocsp", f"certificate {asked.serial_number:x} is {standing.name.lower()}")
        body = answer.public_bytes(serialization.Encoding.DER)
        return web.Response(body=body, content_type="application/ocsp-response")

    async def _vat(self, request: web.Request) -> web.Response:
        number = wire_json.loads(await request.read())["vatNumber"]
        known = number == self.vat_number
        self._tell("vat", f"{number} is {'known' if known else 'not registered'}")
        answer: Document = {"status": "Rejected", "reason": "not registered"}
        return web.json_response({"status": "Accepted", "company": COMPANY} if known else answer)

    # --- its certificates -------------------------------------------------------------------------------------------

    def _signed(self, emaid: str, wanted: x509.CertificateSigningRequest) -> x509.Certificate:
        return self._certificate(emaid, wanted.public_key(), self._sub.subject, self._key, authority=False)

    def _certificate(
        self, name: str, key: Any, issuer: x509.Name, signing: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + (LASTS * 20 if authority else LASTS))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            place = x509.UniformResourceIdentifier(f"{self.url}/ocsp")
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        return builder.sign(signing, hashes.SHA256())

    def _authority(
        self, name: str, by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """An authority of ours as it stands in the folder, made where it is not there yet."""
        path = self._folder / f"{name}.pem"
        if path.exists():
            return x509.load_pem_x509_certificate(path.read_bytes()), self._load_key(name)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = f"Simulated Provider {name}"
        issuer, signing = (_named(subject), key) if by is None else (by[0].subject, by[1])
        certificate = self._certificate(subject, key.public_key(), issuer, signing, authority=True)
        plain = serialization.NoEncryption()
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        handle = os.open(path.with_suffix(".key"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
        path.write_text(_pem(certificate))
        return certificate, key

    def _load_key(self, name: str) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key((self._folder / f"{name}.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
