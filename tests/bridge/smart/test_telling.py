"""What chargers tell of smart charging, over a real socket: limits of others, wishes and plans of cars, profiles."""

from bridge_ocpp.port import GetProfiles, LimitChanged, OutcomeStatus
from bridge_ocpp.smart.book import Sites
from tests.bridge.chargers import now, raw
from tests.bridge.conftest import Place
from tests.bridge.test_commands import asked

SCHEDULE = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.5}]}
PROFILE = {
    "id": 9,
    "stackLevel": 2,
    "chargingProfilePurpose": "ChargingStationExternalConstraints",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [SCHEDULE],
}


async def topics(place: Place) -> list[str]:
    found = await place.value("SELECT array_agg(topic || ' ' || evse_id ORDER BY topic) FROM ocpp_charging_limit")
    return found or []


async def test_a_limit_of_somebody_else_is_kept_and_told_until_it_is_cleared(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        limit = {"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}, "evseId": 1}
        assert await charger.call("NotifyChargingLimit", limit | {"chargingSchedule": [SCHEDULE]}) == {}
        assert await topics(place) == ["limit EMS 1"]
        assert await charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}) == {}
        assert await topics(place) == []
    assert [(event.evse_id, event.source) for event in place.told(LimitChanged)] == [(1, "EMS"), (0, "EMS")]


async def test_what_a_car_wants_and_means_to_do_is_kept(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        needs = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "AC_three_phase", "departureTime": now()}}
        assert (await charger.call("NotifyEVChargingNeeds", needs))["status"] == "Rejected"
        plan = {"evseId": 1, "timeBase": now(), "chargingSchedule": SCHEDULE}
        assert await charger.call("NotifyEVChargingSchedule", plan) == {"status": "Accepted"}
    assert await topics(place) == ["needs 1", "plan 1"]


async def test_reported_profiles_are_in_the_list(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await place.seated("CP1")
        said, payload, outcome = await asked(place, charger, GetProfiles(5), {"status": "Accepted"})
        assert (said, payload["requestId"], outcome.accepted) == ("GetChargingProfiles", 5, True)
        report = {"requestId": 5, "chargingLimitSource": "EMS", "evseId": 0, "chargingProfile": [PROFILE]}
        assert await charger.call("ReportChargingProfiles", report) == {}
        _, _, outcome = await asked(place, charger, GetProfiles(6), {"status": "NoProfiles"})
        assert outcome.status is OutcomeStatus.UNKNOWN_PROFILE
    async with place.work() as db:
        [kept] = await Sites(now=place.clock).profiles("CP1", db)
    assert (kept.source, kept.profile.id, kept.evse_id) == ("EMS", 9, 0)


async def test_1_6_has_none_of_this(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        await place.seated("CP1")
        assert (await place.ask("CP1", GetProfiles(5))).status is OutcomeStatus.NOT_SUPPORTED
        answer = await charger.call("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}})
        assert answer[2] == "NotImplemented"
