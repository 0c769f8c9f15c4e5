"""What chargers ask about cars: OCSP and revocation lists, contracts, Plug & Charge, VAT numbers; and what is wrong."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from bridge_ocpp import port
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.port import AuthStatus, ContractAnswer, ContractWanted, NotServed, VatAnswer, Verdict
from tests.bridge.chargers import RawCharger, raw
from tests.bridge.conftest import Place
from tests.bridge.security.authority import new_key
from tests.bridge.security.issuers import REVOKED, UNKNOWN, Issuer, chain

URL, DEAD = "http://ocsp.example/a", "http://dead.example/"
EMAID = "NL-ABC-C12345678-9"


@dataclass
class World(port.Nobody):
    """Outside, as a test wants it: pages by URL, each a function of what was posted."""

    pages: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    contracts: list[ContractWanted] = field(default_factory=list)
    contract_answer: ContractAnswer | NotServed | None = None
    vat: VatAnswer | NotServed | None = None
    numbers: list[str] = field(default_factory=list)

    async def fetch(self, url: str, *, body: bytes | None, content_type: str, limit: int) -> bytes:
        self.asked.append(url)
        if url not in self.pages:
            raise NotServed(port.NO_ANSWER, "the host name was not found")
        return self.pages[url](body or b"")

    async def contract(self, wanted: ContractWanted) -> ContractAnswer:
        self.contracts.append(wanted)
        if self.contract_answer is None:
            return await super().contract(wanted)
        if isinstance(self.contract_answer, NotServed):
            raise self.contract_answer
        return self.contract_answer

    async def vat_number(self, charger_id: str, number: str) -> VatAnswer:
        self.numbers.append(number)
        if self.vat is None:
            return await super().vat_number(charger_id, number)
        if isinstance(self.vat, NotServed):
            raise self.vat
        return self.vat


ROOT = Issuer("MO Root")
SUB = Issuer("MO Sub", ROOT)
KEY = new_key()


@pytest.fixture
def outside() -> World:
    return World(pages={URL: SUB.answer})


@pytest.fixture
def believed() -> str:
    return chain(ROOT.certificate, SUB.certificate)


@pytest.fixture
def config(config: BridgeConfig, believed: str) -> BridgeConfig:
    return replace(config, provisioning=False, contract_authorities=believed.encode())


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


@pytest.fixture(autouse=True)
def good() -> None:
    SUB.answers.clear()
    ROOT.answers.clear()


async def status(charger: RawCharger, named: dict[str, Any], url: str = URL) -> Any:
    return await charger.call("GetCertificateStatus", {"ocspRequestData": {**named, "responderURL": url}})


# --- OCSP, fetched for the charger ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_the_responders_own_answer_is_given_and_kept_until_it_is_old(
    here: Place, outside: World, version: str
) -> None:
    named = SUB.hashes_of(SUB.sign(EMAID, KEY))
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        answer = await status(charger, named)
        assert answer["status"] == "Accepted"
        said = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
        assert f"{said.serial_number:x}" == named["serialNumber"]
        assert await status(charger, named) == answer
        assert outside.asked == [URL]
        here.clock.shift = timedelta(days=1, minutes=1)
        outside.pages[URL] = lambda question: SUB.answer(question, age=timedelta(days=-1))
        assert (await status(charger, named))["status"] == "Accepted"
    assert outside.asked == [URL, URL]


async def test_an_answer_without_an_end_is_asked_for_each_time(here: Place, outside: World) -> None:
    outside.pages[URL] = lambda question: SUB.answer(question, lasts=None)
    named = SUB.hashes_of(SUB.sign(EMAID, KEY))
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert (await status(charger, named))["status"] == "Accepted"
        assert (await status(charger, named))["status"] == "Accepted"
    assert outside.asked == [URL, URL]


def _unsuccessful(_: bytes) -> bytes:
    built = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    return built.public_bytes(Encoding.DER)


STRANGER = Issuer("Stranger")
NOT_A_RESPONDER = (SUB.sign("Delegate", KEY), KEY)


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (lambda _: b"<html>", "the answer is no OCSP response"),
        (lambda _: b"", "the answer is no OCSP response"),
        (_unsuccessful, "the responder says try_later"),
        (lambda question: SUB.answer(question, age=timedelta(days=3)), "the answer is out of date"),
        (lambda question: SUB.answer(question, age=timedelta(days=-3)), "the answer is out of date"),
        (
            lambda question: SUB.answer(question, signer=STRANGER),
            "the answer is not signed by the certificate's issuer",
        ),
        (lambda question: SUB.answer(question, delegate=NOT_A_RESPONDER), "the answer is not signed by"),
    ],
)
async def test_an_answer_that_says_nothing_is_failed_with_the_reason(
    here: Place, outside: World, page: Callable[[bytes], bytes], why: str
) -> None:
    outside.pages[URL] = page
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        answer = await status(charger, SUB.hashes_of(SUB.sign(EMAID, KEY)))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "NotTold")
    assert answer["statusInfo"]["additionalInfo"].startswith(why)


async def test_an_answer_about_another_certificate_is_failed(here: Place, outside: World) -> None:
    other = {**SUB.hashes_of(SUB.sign(EMAID, KEY)), "responderURL": URL}
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        kept = await charger.call("GetCertificateStatus", {"ocspRequestData": other})
        outside.pages[URL] = lambda _: base64.b64decode(kept["ocspResult"])
        answer = await status(charger, SUB.hashes_of(SUB.sign(EMAID, KEY)))
    assert answer["statusInfo"]["additionalInfo"] == "the answer is about another certificate"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"issuerNameHash": "xyz"}, "not hexadecimal"),
        ({"issuerKeyHash": "aabb"}, "are not of SHA256"),
        ({"serialNumber": "-5"}, "are not of SHA256"),
    ],
)
async def test_a_certificate_that_is_named_wrongly_is_asked_of_nobody(
    here: Place, outside: World, change: dict[str, str], why: str
) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        answer = await status(charger, SUB.hashes_of(SUB.sign(EMAID, KEY)) | change)
    assert answer["status"] == "Failed"
    assert why in answer["statusInfo"]["additionalInfo"]
    assert outside.asked == []


async def test_a_responder_that_does_not_answer_and_one_that_says_too_much(here: Place, outside: World) -> None:
    named = SUB.hashes_of(SUB.sign(EMAID, KEY))
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        answer = await status(charger, named, DEAD)
        assert answer["statusInfo"] == {"reasonCode": "NoAnswer", "additionalInfo": "the host name was not found"}
        signs = SUB.sign("Responder", KEY, signs_answers=True, responder="http://x.example/" + "x" * 6000), KEY
        outside.pages[URL] = lambda question: SUB.answer(question, delegate=signs)
        answer = await status(charger, named)
        assert answer["statusInfo"]["reasonCode"] == "TooLarge"
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        assert (await status(charger, named))["status"] == "Accepted"


# --- whole chains (2.1) --------------------------------------------------------------------------------------------


async def standing(charger: RawCharger, named: dict[str, Any], *urls: str, source: str = "OCSP") -> Any:
    asked = {"certificateHashData": named, "source": source, "urls": list(urls)}
    answer = await charger.call("GetCertificateChainStatus", {"certificateStatusRequests": [asked]})
    (found,) = answer["certificateStatus"]
    assert (found["certificateHashData"], found["source"]) == (named, source)
    return found["status"]


async def test_each_certificate_of_a_chain_has_its_own_status(here: Place, outside: World) -> None:
    outside.pages["http://root.example"] = ROOT.answer
    ours, gone, never = (SUB.sign(EMAID, KEY) for _ in range(3))
    SUB.answers |= {gone.serial_number: REVOKED, never.serial_number: UNKNOWN}
    asked = [
        {"certificateHashData": issuer.hashes_of(certificate), "source": "OCSP", "urls": [url]}
        for issuer, certificate, url in (
            (SUB, ours, URL),
            (SUB, gone, URL),
            (SUB, never, URL),
            (ROOT, SUB.certificate, "http://root.example"),
        )
    ]
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        answer = await charger.call("GetCertificateChainStatus", {"certificateStatusRequests": asked})
    assert [each["status"] for each in answer["certificateStatus"]] == ["Good", "Revoked", "Unknown", "Good"]
    until = datetime.fromisoformat(answer["certificateStatus"][0]["nextUpdate"])
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(days=1)


async def test_the_next_source_is_asked_when_one_says_nothing(here: Place, outside: World) -> None:
    outside.pages["http://html.example"] = lambda _: b"<html>"
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        named = SUB.hashes_of(SUB.sign(EMAID, KEY))
        assert await standing(charger, named, DEAD, "http://html.example", URL) == "Good"
        assert await standing(charger, SUB.hashes_of(SUB.sign(EMAID, KEY)), DEAD) == "Failed"
    assert outside.asked == [DEAD, "http://html.example", URL, DEAD]


async def test_a_delegate_of_the_issuer_may_answer(here: Place, outside: World) -> None:
    signs = SUB.sign("Responder", KEY, signs_answers=True), KEY
    outside.pages[URL] = lambda question: SUB.answer(question, delegate=signs)
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        assert await standing(charger, SUB.hashes_of(SUB.sign(EMAID, KEY)), URL) == "Good"


async def test_what_nobody_proves_is_not_believed(here: Place, outside: World) -> None:
    unknown = Issuer("Unknown Sub")
    delegate = unknown.sign("Responder", KEY, signs_answers=True), KEY
    named = unknown.hashes_of(unknown.sign(EMAID, KEY))
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        outside.pages[URL] = lambda question: unknown.answer(question, delegate=delegate)
        assert await standing(charger, named, URL) == "Failed"
        outside.pages["http://b.example"] = unknown.answer  # with the issuer's own certificate, whose key is named
        assert await standing(charger, named, "http://b.example") == "Good"


async def test_revocation_lists_are_read_and_judged(here: Place, outside: World) -> None:
    ours, gone = SUB.sign(EMAID, KEY), SUB.sign(EMAID, KEY)
    outside.pages = {
        "http://crl.example/ok": lambda _: SUB.revocation_list(gone),
        "http://crl.example/old": lambda _: SUB.revocation_list(gone, days=-1),
        "http://crl.example/forged": lambda _: SUB.revocation_list(key=KEY),
        "http://crl.example/other": lambda _: ROOT.revocation_list(),
        "http://crl.example/html": lambda _: b"<html>",
    }
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:

        async def listed(certificate: Any, page: str) -> Any:
            return await standing(charger, SUB.hashes_of(certificate), f"http://crl.example/{page}", source="CRL")

        assert (await listed(ours, "ok"), await listed(gone, "ok")) == ("Good", "Revoked")
        for page in ("old", "forged", "other", "html"):
            assert await listed(ours, page) == "Failed", page


# --- contracts -------------------------------------------------------------------------------------------------------

WANTED = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "eA=="}


async def test_a_contract_is_asked_for_word_for_word(here: Place, outside: World) -> None:
    outside.contract_answer = ContractAnswer(True, "eXk=", 2)
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        answer = await charger.call("Get15118EVCertificate", WANTED)
        assert answer == {"status": "Accepted", "exiResponse": "eXk="}
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        more = {"maximumContractCertificateChains": 3, "prioritizedEMAIDs": [EMAID]}
        answer = await charger.call("Get15118EVCertificate", WANTED | {"action": "Update"} | more)
        assert answer == {"status": "Accepted", "exiResponse": "eXk=", "remainingContracts": 2}
    version = "urn:iso:15118:2:2013:MsgDef"
    assert outside.contracts == [
        ContractWanted("CP1", version, "Install", "eA=="),
        ContractWanted("CP1", version, "Update", "eA==", 3, (EMAID,)),
    ]


@pytest.mark.parametrize(
    ("said", "info", "exi"),
    [
        (None, ("NotConfigured", "this hub is connected to no provider of contract certificates"), ""),
        (NotServed(port.NO_ANSWER, "no complete answer within 5 s"), ("NoAnswer", "no complete answer within 5 s"), ""),
        (ContractAnswer(False, "ZmFpbA==", reason="no contract"), ("Refused", "no contract"), "ZmFpbA=="),
        (ContractAnswer(True, "x" * 7501), ("TooLarge", "the provider's answer has more than 7500 characters"), ""),
    ],
)
async def test_a_contract_that_cannot_be_had_is_failed_with_the_reason(
    here: Place, outside: World, said: Any, info: tuple[str, str], exi: str
) -> None:
    outside.contract_answer = said
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        answer = await charger.call("Get15118EVCertificate", WANTED)
    assert (answer["status"], answer["exiResponse"]) == ("Failed", exi)
    assert (answer["statusInfo"]["reasonCode"], answer["statusInfo"]["additionalInfo"]) == info


# --- Plug & Charge ---------------------------------------------------------------------------------------------------


async def shown(charger: RawCharger, **more: Any) -> tuple[str, str | None]:
    answer = await charger.call("Authorize", {"idToken": {"idToken": EMAID, "type": "eMAID"}, **more})
    return answer["idTokenInfo"]["status"], answer.get("certificateStatus")


def hashes(certificate: Any, url: str = URL) -> dict[str, Any]:
    return {"iso15118CertificateHashData": [SUB.hashes_of(certificate, responderURL=url)]}


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_contract_that_counts_is_authorised_like_any_token(here: Place, outside: World, version: str) -> None:
    contract = SUB.sign(EMAID, KEY)
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        assert await shown(charger) == ("Accepted", None)
        assert await shown(charger, **hashes(contract)) == ("Accepted", "Accepted")
        here.hub.verdict = Verdict(AuthStatus.NO_CREDIT)
        assert await shown(charger, **hashes(contract)) == ("NoCredit", "Accepted")
        for over in (AuthStatus.BLOCKED, AuthStatus.EXPIRED):
            here.hub.verdict = Verdict(over)
            assert await shown(charger, **hashes(contract)) == (over.value, "ContractCancelled")
    assert {token.type for token, _ in here.hub.asked} == {"eMAID"}


@pytest.mark.parametrize(("said", "word"), [(REVOKED, "CertificateRevoked"), (UNKNOWN, "NoCertificateAvailable")])
async def test_one_that_does_not_count_is_refused_without_asking_anybody(
    here: Place, outside: World, said: Any, word: str
) -> None:
    contract = SUB.sign(EMAID, KEY)
    SUB.answers[contract.serial_number] = said
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await shown(charger, **hashes(contract)) == ("Invalid", word)
        assert await shown(charger, **hashes(SUB.sign(EMAID, KEY), DEAD)) == ("Invalid", "CertChainError")
    assert here.hub.asked == []


@pytest.mark.parametrize("believed", [chain(ROOT.certificate)])
@pytest.mark.parametrize("whole", [True, False], ids=["with the root", "without the root"])
async def test_a_chain_that_is_handed_over_is_checked_here(here: Place, outside: World, whole: bool) -> None:
    contract = SUB.sign(EMAID.replace("-", ""), KEY, responder=URL)
    certificates = (contract, SUB.certificate, ROOT.certificate) if whole else (contract, SUB.certificate)
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await shown(charger, certificate=chain(*certificates)) == ("Accepted", "Accepted")
    assert outside.asked == [URL]
    assert [token.value for token, _ in here.hub.asked] == [EMAID]


async def test_the_responder_that_the_charger_names_counts_before_the_certificates(here: Place, outside: World) -> None:
    contract = SUB.sign(EMAID, KEY, responder=DEAD)
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        both = {"certificate": chain(contract, SUB.certificate), **hashes(contract)}
        assert await shown(charger, **both) == ("Accepted", "Accepted")
    assert outside.asked == [URL]


IMPOSTOR = Issuer("MO Sub", STRANGER)
LEAF = Issuer.sign(SUB, "Not an authority", KEY)


@pytest.mark.parametrize(
    ("certificates", "word"),
    [
        ("no certificate", "CertChainError"),
        (chain(SUB.sign(EMAID, KEY, days=-1), SUB.certificate), "CertificateExpired"),
        (chain(IMPOSTOR.sign(EMAID, KEY), IMPOSTOR.certificate), "CertChainError"),
        (chain(IMPOSTOR.sign(EMAID, KEY), SUB.certificate), "SignatureError"),
        (chain(SUB.sign(EMAID, KEY), ROOT.certificate), "CertChainError"),
        (chain(SUB.sign("NL-ABC-C99999999", KEY), SUB.certificate), "CertChainError"),
        (chain(SUB.sign(EMAID, KEY, responder=DEAD), SUB.certificate), "CertChainError"),
    ],
    ids=["none", "expired", "of strangers", "forged", "incomplete", "another driver's", "not to be asked about"],
)
async def test_a_chain_that_is_not_to_be_believed(here: Place, certificates: str, word: str) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        assert await shown(charger, certificate=certificates) == ("Invalid", word)
    assert here.hub.asked == []


@pytest.mark.parametrize("believed", [""])
async def test_without_authorities_no_chain_is_believed(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        certificates = chain(SUB.sign(EMAID, KEY), SUB.certificate, ROOT.certificate)
        assert await shown(charger, certificate=certificates) == ("Invalid", "CertChainError")


# --- VAT numbers -----------------------------------------------------------------------------------------------------

COMPANY = {"name": "Acme", "address1": "Street 1", "city": "Ghent", "country": "Belgium"}


async def test_a_vat_number_is_asked_of_the_service(here: Place, outside: World) -> None:
    outside.vat = VatAnswer(True, COMPANY | {"postalCode": "9" * 30})
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        answer = await charger.call("VatNumberValidation", {"vatNumber": "be 0123.456.789", "evseId": 1})
        assert answer == {
            "vatNumber": "be 0123.456.789",
            "evseId": 1,
            "status": "Accepted",
            "company": COMPANY | {"postalCode": "9" * 20},
        }
        outside.vat = VatAnswer(False, {"name": "half an address"}, "not registered")
        answer = await charger.call("VatNumberValidation", {"vatNumber": "BE0123456780"})
        why = {"reasonCode": "Refused", "additionalInfo": "not registered"}
        assert answer == {"vatNumber": "BE0123456780", "status": "Rejected", "statusInfo": why}
        outside.vat = None
        answer = await charger.call("VatNumberValidation", {"vatNumber": "CHE123456789"})
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NotConfigured")
    assert outside.numbers == ["BE0123456789", "BE0123456780", "CHE123456789"]


@pytest.mark.parametrize("number", ["", "1", "NL1", "BE123", "DE12345678X", "ES1", "EL12345678", "0123456789"])
async def test_what_has_not_the_form_of_one_is_asked_of_nobody(here: Place, outside: World, number: str) -> None:
    outside.vat = VatAnswer(True)
    async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
        answer = await charger.call("VatNumberValidation", {"vatNumber": number})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidVatNumber")
    assert outside.numbers == []
