"""TLS at the listener and security profiles 1, 2 and 3 (X23), with certificates made here."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from bridge_ocpp.book import Signing, Strongbox
from bridge_ocpp.bridge import Bridge
from bridge_ocpp.config import BridgeConfig, TlsFiles
from tests.bridge.chargers import dialled, raw
from tests.bridge.conftest import SEAL, Place
from tests.bridge.security.authority import Authority, Pair, named, new_key
from tests.world.waiting import until

REFUSED = (InvalidStatus, InvalidMessage, ConnectionClosed, ssl.SSLError, ConnectionError)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def files(authority: Authority) -> TlsFiles:
    pairs = (authority.server(kind="ec").files, authority.server(kind="rsa").files)
    return TlsFiles(pairs, authority.file)


@pytest.fixture
def config(config: BridgeConfig, files: TlsFiles) -> BridgeConfig:
    return replace(config, tls=files, tls_port=0, tls_watch=3600.0, errand_interval=0.05, provisioning=False)


def trusting(authority: Authority, *, client: Pair | None = None, newest: bool = True) -> ssl.SSLContext:
    """A charger's side: it believes `authority`, and may have a certificate of its own."""
    context = ssl.create_default_context(cafile=str(authority.file))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not newest:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if client is not None:
        context.load_cert_chain(*client.files)
    return context


def url_of(bridge: Bridge) -> str:
    assert bridge.tls_url is not None
    return bridge.tls_url


async def comes_in(bridge: Bridge, charger_id: str, context: ssl.SSLContext | None, **options: Any) -> bool:
    """Whether a charger is let in: a call of it is answered."""
    try:
        url = bridge.url if context is None else url_of(bridge)
        async with raw(url, charger_id, ssl=context, **options) as charger:
            return "currentTime" in await charger.call("Heartbeat", {})
    except REFUSED:
        return False


async def test_a_password_over_tls_is_profile_2(place: Place, authority: Authority) -> None:
    await place.register("CP2", profile=2)
    assert await comes_in(place.bridge, "CP2", trusting(authority))
    assert not await comes_in(place.bridge, "CP2", trusting(authority), password="wrong-password")
    assert not await comes_in(place.bridge, "CP2", trusting(authority), password=None)
    assert not await comes_in(place.bridge, "CP2", None)


async def test_a_charger_that_was_seen_at_2_is_not_let_in_at_1_until_the_operator_says_so(
    place: Place, authority: Authority
) -> None:
    await place.register("CP1", profile=1)
    assert await comes_in(place.bridge, "CP1", None)
    assert await comes_in(place.bridge, "CP1", trusting(authority))
    assert (await place.record("CP1")).security_profile == 2
    assert not await comes_in(place.bridge, "CP1", None)
    async with place.work() as db:
        assert await place.book.set_profile("cp1", 1, db)
    assert await comes_in(place.bridge, "CP1", None)


@pytest.mark.parametrize("named_by", ["common name", "other case", "DNS name", "URI"])
async def test_x23_a_certificate_of_the_charger_itself_is_profile_3(
    place: Place, authority: Authority, named_by: str
) -> None:
    await place.register("CP-3", password=None, profile=3)
    client = {
        "common name": lambda: authority.client("CP-3"),
        "other case": lambda: authority.client("cp-3", kind="rsa"),
        "DNS name": lambda: authority.client("serial 1", names=[x509.DNSName("CP-3")]),
        "URI": lambda: authority.client("serial 1", names=[x509.UniformResourceIdentifier("CP-3")]),
    }[named_by]()
    assert await comes_in(place.bridge, "CP-3", trusting(authority, client=client), password=None)
    assert (await place.record("CP-3")).certificate_serial == f"{client.certificate.serial_number:X}"


async def test_x23_a_certificate_of_another_charger_is_refused_even_with_the_right_password(
    place: Place, authority: Authority
) -> None:
    for charger_id, profile in (("CP2", 2), ("CP3", 3)):
        await place.register(charger_id, profile=profile)
        wrong = authority.client("CP4")
        assert not await comes_in(place.bridge, charger_id, trusting(authority, client=wrong))
        assert not await comes_in(place.bridge, charger_id, trusting(authority, client=wrong), password=None)
    assert place.bridge.connections == {}


@pytest.mark.parametrize("newest", [True, False], ids=["TLS 1.3", "TLS 1.2"])
async def test_x23_a_certificate_that_has_expired_is_refused(place: Place, authority: Authority, newest: bool) -> None:
    await place.register("CP3", profile=3)
    expired = trusting(authority, client=authority.client("CP3", days=-1), newest=newest)
    assert not await comes_in(place.bridge, "CP3", expired)
    assert place.bridge.connections == {}


@pytest.mark.parametrize("newest", [True, False], ids=["TLS 1.3", "TLS 1.2"])
async def test_x23_a_certificate_of_an_unknown_authority_is_refused(
    place: Place, authority: Authority, newest: bool
) -> None:
    await place.register("CP3", profile=3)
    stranger = Authority(authority.folder, "Somebody else").client("CP3")
    assert not await comes_in(place.bridge, "CP3", trusting(authority, client=stranger, newest=newest))
    assert place.bridge.connections == {}


async def test_x23_profile_3_without_a_certificate_is_refused(place: Place, authority: Authority) -> None:
    await place.register("CP3", profile=3)
    assert not await comes_in(place.bridge, "CP3", trusting(authority))
    assert not await comes_in(place.bridge, "CP3", None)


async def test_a_charger_of_profile_2_may_rise_to_3(place: Place, authority: Authority) -> None:
    await place.register("CP2", profile=2)
    client = authority.client("CP2")
    assert await comes_in(place.bridge, "CP2", trusting(authority, client=client), password=None)
    assert (await place.record("CP2")).security_profile == 3
    assert not await comes_in(place.bridge, "CP2", trusting(authority))


async def test_a_server_certificate_is_no_client_certificate(place: Place, authority: Authority) -> None:
    """An authority may have signed other things; only what may be used by a client counts."""
    await place.register("localhost", profile=3)
    names = [x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])]
    key = authority.server().key
    builder = authority._builder(x509.Name([]), key, days=30).add_extension(names[0], critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
    pair = Pair(builder.sign(authority.key, SHA256()), key, authority.folder, "wrong-use")
    assert not await comes_in(place.bridge, "localhost", trusting(authority, client=pair), password=None)


@pytest.mark.parametrize(
    "cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "AES128-GCM-SHA256"]
)
async def test_ecdsa_and_rsa_are_both_served(place: Place, authority: Authority, cipher: str) -> None:
    await place.register("CP2", profile=2)
    context = trusting(authority, newest=False)
    context.set_ciphers(f"{cipher}:@SECLEVEL=1")
    async with dialled(url_of(place.bridge), "CP2", "ocpp1.6", ssl=context) as socket:
        tls = socket.transport.get_extra_info("ssl_object")
        assert (tls.cipher()[0], tls.version()) == (cipher, "TLSv1.2")


async def test_nothing_before_tls_1_2_is_spoken(place: Place, authority: Authority) -> None:
    await place.register("CP2", profile=2)
    context = trusting(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(REFUSED):
        async with dialled(url_of(place.bridge), "CP2", "ocpp1.6", ssl=context):
            pass


async def test_who_speaks_no_tls_to_the_tls_port_is_cut_off(place: Place) -> None:
    await place.register("CP2", profile=2)
    with pytest.raises((*REFUSED, EOFError, TimeoutError)):
        async with dialled(url_of(place.bridge).replace("wss:", "ws:"), "CP2", "ocpp1.6"):
            pass


@asynccontextmanager
async def held(place: Place, charger_id: str, context: ssl.SSLContext) -> AsyncIterator[Any]:
    async with raw(url_of(place.bridge), charger_id, ssl=context) as charger:
        yield charger


async def test_files_that_change_are_used_for_new_connections_and_old_ones_stay(
    place: Place, authority: Authority, files: TlsFiles, tmp_path: Path
) -> None:
    await place.register("CP2", profile=2)
    await place.register("CP3", password=None, profile=3)
    (tmp_path / "next").mkdir()
    successor = Authority(tmp_path / "next", "Next CA")
    async with held(place, "CP2", trusting(authority)) as charger:
        for kind, (certificate, key) in zip(("ec", "rsa"), files.pairs, strict=True):
            new = successor.server(kind=kind).files
            certificate.write_text(new[0].read_text())
            key.write_text(new[1].read_text())
        assert files.client_authority is not None
        files.client_authority.write_text(successor.file.read_text())
        await place.bridge.watch_tls()
        assert "currentTime" in await charger.call("Heartbeat", {})
        theirs = trusting(successor, client=successor.client("CP3"))
        assert await comes_in(place.bridge, "CP3", theirs, password=None)
        formerly = trusting(successor, client=Authority(tmp_path, "Test CA").client("CP3"))
        assert not await comes_in(place.bridge, "CP3", formerly, password=None)
        assert not await comes_in(place.bridge, "CP2", trusting(authority))
        assert "currentTime" in await charger.call("Heartbeat", {})


async def test_files_that_make_no_sense_are_not_used(place: Place, authority: Authority, files: TlsFiles) -> None:
    await place.register("CP2", profile=2)
    trusted = trusting(authority)
    certificate, key = files.pairs[0]
    kept = certificate.read_text(), key.read_text()
    key.write_text("nonsense")
    await place.bridge.watch_tls()
    assert await comes_in(place.bridge, "CP2", trusted)
    os.remove(key)
    await place.bridge.watch_tls()
    assert await comes_in(place.bridge, "CP2", trusted)
    key.write_text(kept[1])
    await place.bridge.watch_tls()
    assert await comes_in(place.bridge, "CP2", trusted)


async def test_a_bridge_that_cannot_serve_its_files_says_which(place: Place, authority: Authority) -> None:
    certificate, key = authority.server(name="one").files
    _, other = authority.server(name="two").files
    for pair, said in (((certificate, other), "one-ec.pem"), ((Path("/nowhere.pem"), key), "/nowhere.pem")):
        with pytest.raises((ValueError, OSError), match=said):
            async with place.another(tls=TlsFiles((pair,))):
                pass


async def test_one_port_speaks_tls_alone(place: Place, authority: Authority) -> None:
    await place.register("CP2", profile=2)
    async with place.another(tls_port=None) as bridge:
        assert bridge.url == bridge.tls_url
        assert bridge.url.startswith("wss://")
        assert await comes_in(bridge, "CP2", trusting(authority))


# --- certificates of our own authority -------------------------------------------------------------------------------


async def given(place: Place, charger_id: str, name: str, folder: Path) -> Pair:
    """What our own authority gives to a charger that asks for a certificate."""
    key = new_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(named(name))
    csr = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    async with raw(place.bridge.url, charger_id, "ocpp2.0.1") as charger:
        boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "serialNumber": name}}
        await charger.call("BootNotification", boot)
        assert await charger.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
        while (call := await charger.asked())[2] != "CertificateSigned":
            await charger.say([4, call[1], "NotSupported", "", {}])
        await charger.say([3, call[1], {"status": "Accepted"}])
        await until(lambda: _installed(place))
    await place.bridge.watch_tls()
    (own, *_) = x509.load_pem_x509_certificates(call[3]["certificateChain"].encode())
    return Pair(own, key, folder, f"given-{charger_id}")


async def _installed(place: Place) -> bool:
    states = "SELECT count(*) FROM ocpp_certificate WHERE state = 'INSTALLED'"
    return bool(await place.value(states))


async def test_a_charger_comes_in_with_the_certificate_that_we_gave_it(
    place: Place, authority: Authority, tmp_path: Path
) -> None:
    await place.register("CP1")
    own = trusting(authority, client=await given(place, "CP1", "CP1", tmp_path))
    assert await comes_in(place.bridge, "CP1", own, password=None)
    assert (await place.record("CP1")).security_profile == 3
    await place.register("CP2", profile=2)
    assert not await comes_in(place.bridge, "CP2", own)


async def test_a_certificate_that_we_gave_belongs_to_its_charger_whatever_names_stand_in_it(
    place: Place, authority: Authority, tmp_path: Path
) -> None:
    """CP1 says that its serial number is CP2, and gets a certificate that says so: it opens CP1's door alone."""
    await place.register("CP1")
    await place.register("CP2", profile=2)
    own = trusting(authority, client=await given(place, "CP1", "CP2", tmp_path))
    assert not await comes_in(place.bridge, "CP2", own, password=None)
    assert await comes_in(place.bridge, "CP1", own, password=None)


async def test_a_certificate_that_was_revoked_opens_nothing(place: Place, authority: Authority, tmp_path: Path) -> None:
    await place.register("CP1")
    own = trusting(authority, client=await given(place, "CP1", "CP1", tmp_path))
    box = Strongbox(Signing(SEAL), now=place.clock)
    async with place.work() as db:
        (record,) = await box.certificates(db)
        assert (await box.revoke(record.id, db)).revoked_at is not None
        with pytest.raises(KeyError):
            await box.revoke("nothing", db)
    assert not await comes_in(place.bridge, "CP1", own, password=None)


async def test_a_charger_that_is_removed_leaves_no_certificate_to_whoever_gets_its_id(
    place: Place, authority: Authority, tmp_path: Path
) -> None:
    await place.register("CP1")
    own = trusting(authority, client=await given(place, "CP1", "CP1", tmp_path))
    async with place.work() as db:
        assert await place.book.remove("CP1", db)
    await place.register("CP1")
    assert not await comes_in(place.bridge, "CP1", own, password=None)


# --- behind a TLS proxy ----------------------------------------------------------------------------------------------


async def forwarded(bridge: Bridge, charger_id: str, **headers: str) -> int:
    from tests.bridge.chargers import basic
    from tests.bridge.conftest import PASSWORD

    password = headers.pop("password", PASSWORD)
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | basic(charger_id, password)
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    url = f"{bridge.url}/{charger_id}"
    try:
        async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], additional_headers=sent, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_behind_a_trusted_tls_proxy_a_password_is_profile_2(place: Place) -> None:
    await place.register("CP2", profile=2)
    assert await forwarded(place.bridge, "CP2", X_Forwarded_Proto="https") == 401
    async with place.another(tls=None, tls_port=None, tls_proxies=("127.0.0.0/8",)) as bridge:
        assert await forwarded(bridge, "CP2") == 101
        assert await forwarded(bridge, "CP2", X_Forwarded_Proto="https") == 101
        assert await forwarded(bridge, "CP2", X_Forwarded_Proto="ws") == 401
    async with place.another(tls=None, tls_port=None, tls_proxies=("10.0.0.0/8",)) as bridge:
        assert await forwarded(bridge, "CP2", X_Forwarded_Proto="https") == 401


async def test_who_guesses_behind_a_proxy_does_not_lock_the_charger_out(place: Place) -> None:
    await place.register("CP2", profile=2)
    async with place.another(tls=None, tls_port=None, tls_proxies=("127.0.0.1/32",)) as bridge:
        for _ in range(10):
            assert await forwarded(bridge, "CP2", X_Forwarded_For="9.9.9.9", password="guess-guess") == 401
        assert await forwarded(bridge, "CP2", X_Forwarded_For="9.9.9.9") == 401
        assert await forwarded(bridge, "CP2", X_Forwarded_For="8.8.8.8") == 101
        assert await forwarded(bridge, "CP2", X_Forwarded_For="9.9.9.9, 8.8.8.8") == 101


# --- X22 -----------------------------------------------------------------------------------------------------------


async def test_x22_a_thousand_wrong_passwords_from_fifty_addresses(place: Place) -> None:
    """The real charger stays, may come again at once, and half of the guesses are not even looked at."""
    await place.register("CP1")
    looked_up = 0
    lookup = place.bridge._arrivals.known

    async def counted(asked: Any) -> Any:
        nonlocal looked_up
        looked_up += 1
        return await lookup(asked)

    place.bridge._arrivals.known = counted  # type: ignore[method-assign]
    upgrades = 0

    async def guess(address: str) -> None:
        nonlocal upgrades
        for number in range(20):
            with contextlib.suppress(InvalidStatus):
                guessed = f"guess-guess-{number}"
                async with dialled(place.bridge.url, "CP1", "ocpp1.6", password=guessed, local_addr=(address, 0)):
                    upgrades += 1

    async with raw(place.bridge.url, "CP1") as charger:
        await until(lambda: place.bridge.connections)
        before = looked_up
        await asyncio.gather(*(guess(f"127.0.1.{number}") for number in range(1, 51)))
        assert (upgrades, looked_up - before) == (0, 500)
        assert "currentTime" in await charger.call("Heartbeat", {})
        async with raw(place.bridge.url, "CP1") as again:
            assert "currentTime" in await again.call("Heartbeat", {})
