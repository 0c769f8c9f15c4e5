"""The security of chargers over the admin REST and the command line, with simulated chargers that really speak."""

import asyncio

import httpx
import pytest
from cryptography import x509

from bridge_ocpp.simulator import NotAccepted, SimulatedCharger
from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.admin.house import problem
from tests.bridge.security.authority import Authority, pem
from tests.world.chargers import LOCATION, running
from tests.world.hub import running_hub
from tests.world.waiting import until


async def added(hub, charger_id="BOX-1", **more):
    answer = await hub.admin("POST", "/chargers", {"id": charger_id, "location": LOCATION, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_password_is_rotated_and_the_charger_comes_with_the_new_one(hub, bridge, protocol):
    password = (await added(hub))["password"]
    problem(await hub.admin("POST", "/chargers/BOX-1/rotate-password"), 409, "charger_offline")
    problem(await hub.admin("POST", "/chargers/NOBODY/rotate-password"), 404, "not_found")
    box = SimulatedCharger(bridge.url, "BOX-1", password=password, protocol=protocol)
    async with running(box):
        answer = await hub.admin("POST", "/chargers/BOX-1/rotate-password")
        assert (answer.status_code, answer.json()) == (200, {"id": "BOX-1", "status": "Accepted"})
        assert box.safe.password != password
        frames = str((await hub.admin("GET", "/chargers/BOX-1/messages?limit=1000")).json())
        assert box.safe.password not in frames
        await box.restart()
        await asyncio.wait_for(box.online.wait(), 10)
        box.safe.refuses.add("SetPassword")
        problem(await hub.admin("POST", "/chargers/BOX-1/rotate-password"), 409, "refused")
    with pytest.raises(NotAccepted):
        await SimulatedCharger(bridge.url, "BOX-1", password=password, protocol=protocol).run()


async def test_the_security_profile_is_the_operators_to_change(hub, bridge):
    shown = await added(hub)
    assert (shown["security_profile"], shown["warnings"]) == (1, [])
    raised = (await hub.admin("PATCH", "/chargers/BOX-1", {"security_profile": 2})).json()
    assert (raised["security_profile"], "OCPP_TLS" in raised["warnings"][0]) == (2, True)
    with pytest.raises(NotAccepted):
        await SimulatedCharger(bridge.url, "BOX-1", password=shown["password"]).run()
    lowered = (await hub.admin("PATCH", "/chargers/BOX-1", {"security_profile": 1})).json()
    assert lowered["security_profile"] == 1
    async with running(SimulatedCharger(bridge.url, "BOX-1", password=shown["password"])):
        pass
    problem(await hub.admin("PATCH", "/chargers/BOX-1", {"security_profile": 4}), 422, "invalid")
    problem(await hub.admin("PATCH", "/chargers/NOBODY", {"security_profile": 1}), 404, "not_found")
    await added(hub, "BOX-3", security_profile=3)
    problem(await hub.admin("PATCH", "/chargers/BOX-3", {"security_profile": 1}), 422, "invalid")


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_charger_gets_a_certificate_of_the_hubs_own(hub, bridge, protocol):
    password = (await added(hub))["password"]
    box = SimulatedCharger(bridge.url, "BOX-1", password=password, protocol=protocol)
    async with running(box):
        assert (await hub.admin("POST", "/chargers/BOX-1/certificates/renew")).json()["status"] == "Accepted"
        await until(lambda: box.safe.chain, within=15)
        (record,) = await until(lambda: in_state(hub, "INSTALLED"), within=10)
        assert (record["charger"], record["type"]) == ("BOX-1", "ChargingStationCertificate")
        (ours,) = (await hub.admin("GET", "/certificates/authorities")).json()
        own, root = x509.load_pem_x509_certificates(box.safe.chain.encode())
        assert (record["serial"], ours["certificate"]) == (f"{own.serial_number:X}", pem(root))
        whole = (await hub.admin("GET", f"/certificates/{record['id']}")).json()
        assert whole["chain"] == box.safe.chain
        assert (await hub.admin("POST", f"/certificates/{record['id']}/revoke")).json()["revoked_at"] is not None
        problem(await hub.admin("POST", f"/certificates/{record['id']}/reject", {}), 422, "invalid")
        asked = await hub.admin("POST", "/chargers/BOX-1/certificates/renew", {"type": "V2G20Certificate"})
        if protocol == "ocpp2.1":
            assert asked.json()["status"] == "Accepted"
            (waiting,) = await until(lambda: in_state(hub, "WAITING"), within=10)
            assert waiting["type"] == "V2G20Certificate"
        else:
            problem(asked, 422, "invalid")
        nonsense = await hub.admin("POST", "/chargers/BOX-1/certificates/renew", {"type": "Nonsense"})
        problem(nonsense, 422, "invalid")
    problem(await hub.admin("GET", "/certificates/nothing"), 404, "not_found")
    problem(await hub.admin("POST", "/certificates/nothing/approve", {}), 404, "not_found")
    assert (await hub.admin("GET", "/certificates?charger=BOX-2")).status_code == 404


async def in_state(hub, state):
    return (await hub.admin("GET", f"/certificates?charger=box-1&state={state}")).json()


async def test_an_external_authority_signs_what_an_operator_pastes(database_url, redis_url, tmp_path):
    async with running_hub(database_url, redis_url, works=True, ocpp_port=0, charger_ca="external") as hub:
        bind(hub.resources)
        async with bridge_of(hub.resources).run() as bridge:
            password = (await added(hub))["password"]
            box = SimulatedCharger(bridge.url, "BOX-1", password=password, protocol="ocpp2.0.1")
            async with running(box):
                await box.safe.request_certificate()
                (record,) = await in_state(hub, "WAITING")
                whole = (await hub.admin("GET", f"/certificates/{record['id']}")).json()
                external = Authority(tmp_path)
                chain = pem(external.sign(x509.load_pem_x509_csr(whole["csr"].encode()))) + pem(external.certificate)
                path = f"/certificates/{record['id']}/approve"
                problem(await hub.admin("POST", path, {"chain": "nonsense"}), 422, "invalid")
                assert (await hub.admin("POST", path, {"chain": chain})).json()["state"] == "SIGNED"
                await until(lambda: box.safe.chain == chain, within=15)


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_roots_are_installed_listed_and_deleted(hub, bridge, protocol):
    password = (await added(hub))["password"]
    async with running(SimulatedCharger(bridge.url, "BOX-1", password=password, protocol=protocol)):
        assert (await hub.admin("GET", "/chargers/BOX-1/certificates")).json() == []
        assert (await hub.admin("POST", "/chargers/BOX-1/certificates", {})).json()["status"] == "Accepted"
        body = {"type": "ManufacturerRootCertificate", "certificate": "nonsense"}
        problem(await hub.admin("POST", "/chargers/BOX-1/certificates", body), 409, "refused")
        problem(await hub.admin("POST", "/chargers/BOX-1/certificates", {"type": "Any"}), 422, "invalid")
        (found,) = (await hub.admin("GET", "/chargers/BOX-1/certificates")).json()
        assert (found["type"], found["children"]) == ("CSMSRootCertificate", [])
        named = {key: value for key, value in found.items() if key not in ("type", "children")}
        assert (await hub.admin("POST", "/chargers/BOX-1/certificates/delete", named)).status_code == 204
        problem(await hub.admin("POST", "/chargers/BOX-1/certificates/delete", named), 404, "not_found")
    problem(await hub.admin("GET", "/chargers/BOX-1/certificates"), 409, "charger_offline")


async def test_security_events_are_listed_and_counted(hub, bridge):
    password = (await added(hub))["password"]
    box = SimulatedCharger(bridge.url, "BOX-1", password=password, protocol="ocpp2.0.1")
    async with running(box):
        await box.safe.notice("TamperDetectionActivated", "lid")
        await box.safe.notice("InvalidMessages")
    newest, oldest = (await hub.admin("GET", "/chargers/BOX-1/security-events")).json()
    assert (newest["type"], newest["critical"]) == ("InvalidMessages", False)
    assert (oldest["type"], oldest["critical"], oldest["info"]) == ("TamperDetectionActivated", True, "lid")
    critical = (await hub.admin("GET", "/chargers/BOX-1/security-events?critical=true")).json()
    assert [event["id"] for event in critical] == [oldest["id"]]
    problem(await hub.admin("GET", "/chargers/NOBODY/security-events"), 404, "not_found")
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{hub.url}/metrics")).text
    assert 'ocpi_charger_security_events{critical="true",type="TamperDetectionActivated"} 1.0' in metrics
    assert (await hub.admin("GET", "/chargers/BOX-1/event-streams")).json() == []
    problem(await hub.admin("GET", "/chargers/NOBODY/event-streams"), 404, "not_found")
