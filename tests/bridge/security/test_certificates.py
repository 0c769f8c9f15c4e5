"""Certificates that chargers ask for: signed, delivered, renewed, revoked; and what is asked about others."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from bridge_ocpp import port
from bridge_ocpp.book import Signing, Strongbox
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.port import (
    CertificateRecord,
    DeleteCertificate,
    InstallCertificate,
    ListCertificates,
    OutcomeStatus,
    RequestSigning,
    SigningState,
)
from bridge_ocpp.security import authority as authorities
from tests.bridge.chargers import RawCharger, raw
from tests.bridge.conftest import SEAL, Place
from tests.bridge.security.authority import Authority, Key, named, new_key, pem
from tests.world.waiting import until

STATION = {"vendorName": "V", "model": "M", "serialNumber": "SN-77"}


@pytest.fixture
def config(config: BridgeConfig) -> BridgeConfig:
    return replace(config, errand_interval=0.05, provisioning=False)


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


def box_of(place: Place, **changes: Any) -> Strongbox:
    return Strongbox(Signing(SEAL, **changes), now=place.clock)


async def kept(place: Place, **which: Any) -> list[CertificateRecord]:
    async with place.work() as db:
        return list(await box_of(place).certificates(db, **which))


async def in_state(place: Place, state: SigningState) -> CertificateRecord | None:
    found = await kept(place)
    return found[0] if found and found[0].state is state else None


def request_of(name: str, key: Any = None) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(named(name))
    return builder.sign(key or new_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


async def delivered(charger: RawCharger, *, answer: str = "Accepted") -> dict[str, Any]:
    """The next CertificateSigned, answered."""
    _, message_id, action, payload = await charger.asked()
    assert action == "CertificateSigned"
    await charger.say([3, message_id, {"status": answer}])
    return dict(payload)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
async def test_a_request_is_signed_by_our_own_authority_and_delivered(here: Place, version: str, kind: str) -> None:
    key = new_key(kind)
    extra = {"1.6": {}, "2.0.1": {"certificateType": "ChargingStationCertificate"}, "2.1": {"requestId": 42}}[version]
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        answer = await charger.call("SignCertificate", {"csr": request_of("CP1", key), **extra})
        assert answer == {"status": "Accepted"}
        payload = await delivered(charger)
        assert payload.get("requestId") == extra.get("requestId")
        assert ("certificateType" in payload) is (version != "1.6")
    chain = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
    own, root = chain
    own.verify_directly_issued_by(root)
    assert own.public_key() == key.public_key()
    assert own.subject == named("CP1")
    assert own.not_valid_after_utc - own.not_valid_before_utc < timedelta(days=366)
    usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    record = await until(lambda: in_state(here, SigningState.INSTALLED))
    assert (record.serial, record.charger_id) == (f"{own.serial_number:X}", "CP1")
    async with here.work() as db:
        (ours,) = await box_of(here).authorities(db)
    assert ours.certificate == pem(root)


async def test_the_authority_is_made_once_and_its_key_is_sealed(here: Place) -> None:
    await here.register("CP2")
    async with raw(here.bridge.url, "CP1") as one, raw(here.bridge.url, "CP2") as two:
        answers = await asyncio.gather(
            one.call("SignCertificate", {"csr": request_of("CP1")}),
            two.call("SignCertificate", {"csr": request_of("CP2")}),
        )
        assert answers == [{"status": "Accepted"}] * 2
    assert await here.value("SELECT count(*) FROM ocpp_authority") == 1
    sealed = str(await here.value("SELECT sealed_key FROM ocpp_authority"))
    assert sealed.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert authorities.unseal(sealed, SEAL).curve.name == "secp256r1"
    with pytest.raises(ValueError):
        authorities.unseal(sealed, b"another" * 4)


async def test_an_authority_that_does_not_last_long_enough_has_a_successor(here: Place) -> None:
    async with here.work() as db:
        (first,) = await box_of(here).authorities(db)
    here.clock.shift = first.not_after - datetime.now(UTC) - timedelta(days=200)
    async with here.work() as db:
        newest, older = await box_of(here).authorities(db)
    assert (older.serial, newest.serial != first.serial) == (first.serial, True)


async def test_another_secret_key_means_another_authority(here: Place) -> None:
    async with here.work() as db:
        await box_of(here).authorities(db)
        assert len(await Strongbox(Signing(b"t" * 32), now=here.clock).authorities(db)) == 2


def tampered(csr: str) -> str:
    request = x509.load_pem_x509_csr(csr.encode())
    raw_bytes = bytearray(request.public_bytes(serialization.Encoding.DER))
    raw_bytes[-1] ^= 1
    return x509.load_der_x509_csr(bytes(raw_bytes)).public_bytes(serialization.Encoding.PEM).decode()


WEAK: list[tuple[str, Any, str]] = [
    ("nonsense", lambda: "nonsense", "PKCS #10"),
    ("another charger", lambda: request_of("CP2"), "'CP2'"),
    ("nobody", lambda: request_of(" "), "this charger is CP1"),
    ("RSA 1024", lambda: request_of("CP1", rsa.generate_private_key(public_exponent=65537, key_size=1024)), "2048"),
    ("a small curve", lambda: request_of("CP1", ec.generate_private_key(ec.SECP192R1())), "224"),
    ("not its own key", lambda: tampered(request_of("CP1")), "its own key"),
]


@pytest.mark.parametrize(("make", "said"), [case[1:] for case in WEAK], ids=[case[0] for case in WEAK])
async def test_what_may_not_be_signed_is_rejected_and_says_why(here: Place, make: Any, said: str) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        answer = await charger.call("SignCertificate", {"csr": make()})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidCSR")
    assert said in answer["statusInfo"]["additionalInfo"]
    assert await kept(here) == []


async def test_a_request_may_name_the_serial_number_that_the_charger_booted_with(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("BootNotification", {"reason": "PowerUp", "chargingStation": STATION})
        assert (await charger.call("SignCertificate", {"csr": request_of("SN-77")}))["status"] == "Accepted"
        await delivered(charger)


async def test_the_same_request_again_is_the_same_request(here: Place) -> None:
    csr = request_of("CP1")
    async with raw(here.bridge.url, "CP1") as charger:
        for _ in range(2):
            assert await charger.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
        await delivered(charger)
        await until(lambda: in_state(here, SigningState.INSTALLED))
    assert len(await kept(here)) == 1


async def test_another_request_takes_the_place_of_one_that_is_open(here: Place) -> None:
    async with here.another(signing=Signing(SEAL, own=False)) as bridge, raw(bridge.url, "CP1") as charger:
        for _ in range(2):
            assert await charger.call("SignCertificate", {"csr": request_of("CP1")}) == {"status": "Accepted"}
    newer, older = await kept(here)
    assert (newer.state, older.state, older.detail) == (
        SigningState.WAITING,
        SigningState.REJECTED,
        "the charger asked again",
    )


async def test_a_charger_that_was_away_gets_its_certificate_when_it_is_back(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.call("SignCertificate", {"csr": request_of("CP1")})
        await charger.asked()
    await until(lambda: not here.bridge.connections)
    assert (await kept(here))[0].state is SigningState.SIGNED
    await here.execute("UPDATE ocpp_errand SET due_at = now(), leased_until = NULL")
    async with raw(here.bridge.url, "CP1") as charger:
        await delivered(charger)
        await until(lambda: in_state(here, SigningState.INSTALLED))


async def test_a_certificate_that_the_charger_refuses_counts_nowhere(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charger.call("SignCertificate", {"csr": request_of("CP1")})
        await delivered(charger, answer="Rejected")
        record = await until(lambda: in_state(here, SigningState.REFUSED))
    assert record.revoked_at is not None


# --- an external authority -------------------------------------------------------------------------------------------


async def waiting(place: Place, key: Key, *, kind: str = "ChargingStationCertificate") -> CertificateRecord:
    async with place.another(signing=Signing(SEAL, own=False)) as bridge, raw(bridge.url, "CP1", "ocpp2.0.1") as box:
        wanted = {"csr": request_of("CP1", key), "certificateType": kind}
        assert await box.call("SignCertificate", wanted) == {"status": "Accepted"}
    (record,) = await kept(place, state=SigningState.WAITING)
    return record


async def test_a_request_waits_for_the_operator_and_the_pasted_chain_is_delivered(here: Place, tmp_path: Any) -> None:
    record, external = await waiting(here, new_key()), Authority(tmp_path)
    chain = pem(external.sign(x509.load_pem_x509_csr(record.csr.encode()))) + pem(external.certificate)
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        async with here.work() as db:
            approved = await box_of(here).approve(record.id, db, chain=chain)
        assert approved.state is SigningState.SIGNED
        payload = await delivered(charger)
        assert payload == {"certificateChain": chain, "certificateType": "ChargingStationCertificate"}
        await until(lambda: in_state(here, SigningState.INSTALLED))


async def test_a_request_may_be_approved_for_our_own_authority_or_rejected(here: Place) -> None:
    record = await waiting(here, new_key())
    async with here.work() as db:
        approved = await box_of(here).approve(record.id, db)
        assert (approved.state, approved.serial is not None) == (SigningState.SIGNED, True)
        with pytest.raises(ValueError, match="only one that is WAITING"):
            await box_of(here).reject(record.id, db)
        with pytest.raises(KeyError):
            await box_of(here).approve("nothing", db)
    second = await waiting(here, new_key())
    async with here.work() as db:
        rejected = await box_of(here).reject(second.id, db, reason="not our charger")
    assert (rejected.state, rejected.detail) == (SigningState.REJECTED, "not our charger")


async def test_our_authority_signs_nothing_for_cars(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        wanted = {"csr": request_of("CP1"), "certificateType": "V2GCertificate"}
        assert await charger.call("SignCertificate", wanted) == {"status": "Accepted"}
    (record,) = await kept(here, state=SigningState.WAITING)
    async with here.work() as db:
        with pytest.raises(ValueError, match="V2GCertificate"):
            await box_of(here).approve(record.id, db)


@pytest.mark.parametrize("name", ["NLABCE123", "CP1"])
async def test_what_cars_are_shown_is_signed_by_another_authority(here: Place, tmp_path: Any, name: str) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        wanted = {"csr": request_of(name), "certificateType": "V2GCertificate"}
        assert await charger.call("SignCertificate", wanted) == {"status": "Accepted"}
        (record,) = await kept(here, state=SigningState.WAITING)
        chain = pem(Authority(tmp_path, "V2G").sign(x509.load_pem_x509_csr(record.csr.encode())))
        async with here.work() as db:
            await box_of(here).approve(record.id, db, chain=chain)
        payload = await delivered(charger)
        assert (payload["certificateType"], payload["certificateChain"]) == ("V2GCertificate", chain)


class TestOurOwnForCars:
    """Our authority signs what cars are shown, where the operator has it so."""

    @pytest.fixture
    def config(self, config: BridgeConfig) -> BridgeConfig:
        return replace(config, signing=Signing(SEAL, own_for_cars=True))

    async def test_it_is_for_a_server_and_for_nothing_else(self, here: Place) -> None:
        async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
            wanted = {"csr": request_of("CP1"), "certificateType": "V2GCertificate", "requestId": 9}
            assert await charger.call("SignCertificate", wanted) == {"status": "Accepted"}
            payload = await delivered(charger)
        assert (payload["certificateType"], payload["requestId"]) == ("V2GCertificate", 9)
        own, issuer = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
        own.verify_directly_issued_by(issuer)
        purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
        usage = own.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (usage.digital_signature, usage.key_agreement, usage.key_cert_sign) == (True, True, False)

    async def test_another_name_waits_for_the_operators_word(self, here: Place) -> None:
        async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
            wanted = {"csr": request_of("NLABCE123"), "certificateType": "V2GCertificate"}
            assert await charger.call("SignCertificate", wanted) == {"status": "Accepted"}
            (record,) = await kept(here, state=SigningState.WAITING)
            async with here.work() as db:
                await box_of(here, own_for_cars=True).approve(record.id, db)
            payload = await delivered(charger)
        own = x509.load_pem_x509_certificates(payload["certificateChain"].encode())[0]
        assert own.subject == named("NLABCE123")

    async def test_iso_15118_20_always_needs_a_chain(self, here: Place) -> None:
        async with raw(here.bridge.url, "CP1", "ocpp2.1") as charger:
            wanted = {"csr": request_of("CP1"), "certificateType": "V2G20Certificate"}
            assert await charger.call("SignCertificate", wanted) == {"status": "Accepted"}
        (record,) = await kept(here, state=SigningState.WAITING)
        async with here.work() as db:
            with pytest.raises(ValueError, match="V2G20Certificate"):
                await box_of(here, own_for_cars=True).approve(record.id, db)


async def test_a_chain_that_does_not_fit_is_refused(here: Place, tmp_path: Any) -> None:
    record, external = await waiting(here, new_key()), Authority(tmp_path)
    request = x509.load_pem_x509_csr(record.csr.encode())
    good = pem(external.sign(request))
    stranger = Authority(tmp_path, "Somebody else")
    cases = {
        "nonsense": "PEM",
        pem(external.client("CP1").certificate): "not for the key",
        pem(external.sign(request, days=-1)): "not valid today",
        good + pem(stranger.certificate): "did not sign",
        good * 60: "at most 10000",
    }
    for chain, said in cases.items():
        async with here.work() as db:
            with pytest.raises(ValueError, match=said):
                await box_of(here).approve(record.id, db, chain=chain)


# --- renewal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "action", "message"),
    [
        ("1.6", "ExtendedTriggerMessage", "SignChargePointCertificate"),
        ("2.0.1", "TriggerMessage", "SignChargingStationCertificate"),
    ],
)
async def test_a_certificate_is_renewed_before_it_expires(here: Place, version: str, action: str, message: str) -> None:
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        await charger.call("SignCertificate", {"csr": request_of("CP1")})
        await delivered(charger)
        first = await until(lambda: in_state(here, SigningState.INSTALLED))
        await here.bridge.renew_certificates()
        assert await here.value("SELECT count(*) FROM ocpp_errand WHERE kind = 'renewal'") == 0
        await here.execute("UPDATE ocpp_certificate SET not_after = now() + interval '29 days'")
        for _ in range(2):
            await here.bridge.renew_certificates()
        _, message_id, asked, payload = await charger.asked()
        assert (asked, payload) == (action, {"requestedMessage": message})
        await charger.say([3, message_id, {"status": "Accepted"}])
        await charger.call("SignCertificate", {"csr": request_of("CP1")})
        await delivered(charger)
        await until(lambda: _another(here, first))
        await here.execute("UPDATE ocpp_certificate SET renewal_asked_at = now() - interval '2 days'")
        await here.bridge.renew_certificates()
        assert await here.value("SELECT count(*) FROM ocpp_errand WHERE kind = 'renewal'") == 0


@pytest.mark.parametrize(
    ("version", "kind"),
    [("2.0.1", "V2GCertificate"), ("2.1", "V2GCertificate"), ("2.1", "V2G20Certificate")],
)
async def test_certificates_towards_cars_are_renewed_too(here: Place, tmp_path: Any, version: str, kind: str) -> None:
    """Each kind is asked for by itself; one that somebody else signs waits for him, and is not asked for again."""
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        await charger.call("SignCertificate", {"csr": request_of("CP1")})
        await delivered(charger)
        await charger.call("SignCertificate", {"csr": request_of("CP1"), "certificateType": kind})
        (record,) = await kept(here, state=SigningState.WAITING)
        chain = pem(Authority(tmp_path, "V2G").sign(x509.load_pem_x509_csr(record.csr.encode())))
        async with here.work() as db:
            await box_of(here).approve(record.id, db, chain=chain)
        await delivered(charger)
        await until(lambda: in_state(here, SigningState.INSTALLED))
        await here.execute(f"UPDATE ocpp_certificate SET not_after = now() + interval '29 days' WHERE kind = '{kind}'")
        await here.bridge.renew_certificates()
        assert await _triggered(charger) == f"Sign{kind}"
        await until(lambda: here.value("SELECT count(*) = 0 FROM ocpp_errand"))
        await here.execute("UPDATE ocpp_certificate SET renewal_asked_at = NULL, not_after = now() + interval '9 days'")
        await here.bridge.renew_certificates()
        assert [await _triggered(charger), await _triggered(charger)] == [
            "SignChargingStationCertificate",
            f"Sign{kind}",
        ]
        await charger.call("SignCertificate", {"csr": request_of("CP1"), "certificateType": kind})
        await until(lambda: here.value("SELECT count(*) = 0 FROM ocpp_errand"))
        await here.execute("UPDATE ocpp_certificate SET renewal_asked_at = now() - interval '2 days'")
        await here.bridge.renew_certificates()
        assert await _triggered(charger) == "SignChargingStationCertificate"
        await until(lambda: here.value("SELECT count(*) = 0 FROM ocpp_errand"))
        assert charger.calls.empty()


async def _triggered(charger: RawCharger) -> str:
    """What the charger is asked to send next; it will."""
    _, message_id, action, payload = await charger.asked()
    assert action == "TriggerMessage"
    await charger.say([3, message_id, {"status": "Accepted"}])
    return str(payload["requestedMessage"])


@pytest.mark.parametrize(("version", "kind"), [("1.6", "V2GCertificate"), ("2.0.1", "V2G20Certificate")])
async def test_a_kind_that_a_version_lacks_is_not_asked_for(here: Place, version: str, kind: str) -> None:
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        await here.seated("CP1")
        assert (await here.ask("CP1", RequestSigning(kind))).status is OutcomeStatus.INVALID
        assert charger.calls.empty()


async def _another(place: Place, first: CertificateRecord) -> bool:
    newest = (await kept(place))[0]
    return newest.id != first.id and newest.state is SigningState.INSTALLED


# --- roots at the charger --------------------------------------------------------------------------------------------

HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}
OURS = {"hash_algorithm": "SHA256", "issuer_name_hash": "aa", "issuer_key_hash": "bb", "serial_number": "1f"}


async def asked(place: Place, charger: RawCharger, command: port.Command, *answers: Any) -> Any:
    """Ask; the outcome and the calls that the charger heard."""
    await place.seated("CP1")
    asking = asyncio.create_task(place.ask("CP1", command))
    heard = []
    for answer in answers:
        _, message_id, action, payload = await charger.asked()
        heard.append((action, payload))
        await charger.say([3, message_id, answer])
    return await asking, heard


async def test_2_0_1_installs_lists_and_deletes_roots(here: Place) -> None:
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        outcome, heard = await asked(here, charger, InstallCertificate("V2GRootCertificate", "P"), {"status": "Failed"})
        assert (outcome.status, heard) == (
            OutcomeStatus.FAILED,
            [("InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": "P"})],
        )
        chain = {"certificateType": "CSMSRootCertificate", "certificateHashData": HASHES}
        outcome, heard = await asked(
            here, charger, ListCertificates(), {"status": "Accepted", "certificateHashDataChain": [chain]}
        )
        assert heard == [("GetInstalledCertificateIds", {})]
        assert outcome.payload == {"certificates": [{"type": "CSMSRootCertificate", **OURS, "children": []}]}
        outcome, _ = await asked(here, charger, ListCertificates(("MORootCertificate",)), {"status": "NotFound"})
        assert (outcome.accepted, outcome.payload) == (True, {"certificates": []})
        outcome, heard = await asked(here, charger, DeleteCertificate(**OURS), {"status": "NotFound"})
        assert outcome.status is OutcomeStatus.UNKNOWN
        assert heard == [("DeleteCertificate", {"certificateHashData": HASHES})]


async def test_1_6_is_asked_for_each_kind_and_has_words_of_its_own(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        outcome, heard = await asked(
            here,
            charger,
            ListCertificates(),
            {"status": "Accepted", "certificateHashData": [HASHES]},
            {"status": "NotFound"},
        )
        assert [payload["certificateType"] for _, payload in heard] == [
            "CentralSystemRootCertificate",
            "ManufacturerRootCertificate",
        ]
        assert outcome.payload == {"certificates": [{"type": "CSMSRootCertificate", **OURS, "children": []}]}
        outcome, heard = await asked(
            here, charger, InstallCertificate("CSMSRootCertificate", "P"), {"status": "Accepted"}
        )
        assert heard[0][1] == {"certificateType": "CentralSystemRootCertificate", "certificate": "P"}
        outcome, heard = await asked(here, charger, DeleteCertificate(**OURS), {"status": "Accepted"})
        assert outcome.accepted
        outcome, heard = await asked(here, charger, RequestSigning(), {"status": "NotImplemented"})
        assert outcome.status is OutcomeStatus.NOT_SUPPORTED
        outcome = await here.ask("CP1", InstallCertificate("V2GRootCertificate", "P"))
        assert not outcome.accepted
        assert "V2GRootCertificate" in outcome.detail


# --- security events -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_security_events_are_kept_and_the_critical_ones_logged(
    here: Place, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        for kind, info in (("InvalidMessages", None), ("TamperDetectionActivated", "lid"), ("VendorSpecial", None)):
            event = {"type": kind, "timestamp": at.isoformat()} | ({"techInfo": info} if info else {})
            assert await charger.call("SecurityEventNotification", event) == {}
    async with here.work() as db:
        box = box_of(here)
        found = await box.security_events("cp1", db)
        assert [(e.kind, e.critical, e.info, e.at) for e in found] == [
            ("VendorSpecial", False, None, at),
            ("TamperDetectionActivated", True, "lid", at),
            ("InvalidMessages", False, None, at),
        ]
        assert [e.kind for e in await box.security_events("CP1", db, critical=True)] == ["TamperDetectionActivated"]
        assert len(await box.security_events("CP1", db, limit=1)) == 1
        assert await box.event_counts(db) == [
            ("InvalidMessages", False, 1),
            ("TamperDetectionActivated", True, 1),
            ("other", False, 1),
        ]
    said = capsys.readouterr().out
    assert ("TamperDetectionActivated" in said, "InvalidMessages" in said) == (True, False)
    here.clock.shift += timedelta(days=91)
    await here.bridge.prune()
    async with here.work() as db:
        assert await box_of(here).security_events("CP1", db) == []
