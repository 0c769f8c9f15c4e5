"""Firmware roll-outs on real sockets: waves, failures, versions that were compared, and processes that die."""

from datetime import timedelta

import pytest

from bridge_ocpp.port import ChargerGroup, JobStatus, NotPossible, TaskState
from tests.bridge.chargers import raw
from tests.bridge.conftest import Place
from tests.bridge.upkeep.conftest import IMAGE, Yard
from tests.world.waiting import until

SIGNED = {"signing_certificate": "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----", "signature": "c2ln"}


def ended(job):
    return job.status is not JobStatus.RUNNING


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
@pytest.mark.parametrize("signed", [{}, SIGNED], ids=["unsigned", "signed"])
async def test_a_charger_installs_and_comes_back_with_the_new_version(yard: Yard, protocol, signed):
    await yard.charger("CP1", protocol)
    job_id = await yard.start("cp1", version="2.0.0", **signed)
    job = await yard.job_is(job_id, ended)
    (task,) = job.tasks
    assert (job.status, task.charger, task.state) == (JobStatus.FINISHED, "CP1", TaskState.DONE)
    assert (task.version_before, task.version_after, task.detail) == ("1.0.0", "2.0.0", None)
    assert (await yard.place.record("CP1")).firmware_version == "2.0.0"
    assert (job.signed, job.counts["Done"]) == (bool(signed), 1)


@pytest.mark.parametrize("when", ["retrieve_at", "install_at"])
@pytest.mark.parametrize("signed", [{}, SIGNED], ids=["unsigned", "signed"])
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_charger_waits_for_its_time(yard: Yard, protocol, signed, when):
    """OCPP 1.6 by itself has no word for waiting, and fetches late where it cannot install late."""
    box = await yard.charger("CP1", protocol)
    job_id = await yard.start("CP1", version="2.0.0", **{when: yard.place.clock() + timedelta(hours=1)}, **signed)
    speaks = protocol == "ocpp2.0.1" or signed
    waits = {"retrieve_at": "DownloadScheduled", "install_at": "InstallScheduled"}[when] if speaks else None
    job = await yard.job_is(job_id, lambda job: job.tasks[0].progress == waits and job.tasks[0].state == "Running")
    assert (job.counts["Running"], box.firmware, box.workshop.last) == (1, "1.0.0", None)
    box.clock_shift = timedelta(hours=2)
    job = await yard.job_is(job_id, ended)
    assert (job.tasks[0].state, box.firmware) == (TaskState.DONE, "2.0.0")


@pytest.mark.parametrize(
    ("ends", "detail"),
    [
        ("DownloadFailed", "the download failed"),
        ("InstallationFailed", "the installation failed"),
        ("InvalidSignature", "the signature is not valid"),
        ("SameVersion", "it says Installed and still runs 1.0.0"),
    ],
)
async def test_what_goes_wrong_is_told(yard: Yard, ends, detail):
    await yard.charger("CP1", "ocpp2.0.1", ends=ends)
    job = await yard.job_is(await yard.start("CP1", **SIGNED), ended)
    assert (job.tasks[0].state, job.tasks[0].detail, job.status) == (TaskState.FAILED, detail, JobStatus.FINISHED)


async def test_a_rollout_stops_when_too_many_fail_and_goes_on_when_told_to(yard: Yard):
    boxes = [await yard.charger(f"CP{n}", ends="DownloadFailed") for n in (1, 2, 3, 4)]
    job_id = await yard.start("CP1", "CP2", "CP3", "CP4", at_once=1, stop_after_failures=2)
    job = await yard.job_is(job_id, ended)
    assert (job.status, job.reason) == (JobStatus.STOPPED, "2 chargers failed")
    assert [task.state for task in job.tasks] == [TaskState.FAILED] * 2 + [TaskState.WAITING] * 2
    for box in boxes:
        box.workshop.ends = "Installed"
    async with yard.place.work() as db:
        await yard.book.resume_firmware(job_id, db, retry_failed=True)
    job = await yard.job_is(job_id, ended)
    assert (job.status, job.counts["Done"]) == (JobStatus.FINISHED, 4)


async def test_failures_that_were_seen_do_not_stop_it_again(yard: Yard):
    await yard.charger("CP1", ends="DownloadFailed")
    await yard.charger("CP2")
    job_id = await yard.start("CP1", "CP2", at_once=1, stop_after_failures=1)
    await yard.job_is(job_id, ended)
    async with yard.place.work() as db:
        await yard.book.resume_firmware(job_id, db, retry_failed=False)
    job = await yard.job_is(job_id, ended)
    assert (job.status, job.counts["Failed"], job.counts["Done"]) == (JobStatus.FINISHED, 1, 1)


async def test_no_more_than_a_wave_at_once(yard: Yard):
    for n in (1, 2, 3):
        await yard.charger(f"CP{n}", ends="Silent")
    job_id = await yard.start("CP1", "CP2", "CP3", at_once=2)
    await yard.job_is(job_id, lambda job: job.counts["Running"] == 2)
    await yard.place.bridge.go_round()
    job = await yard.job(job_id)
    assert job.counts["Waiting"] == 1
    assert [task.detail for task in job.tasks if task.state is TaskState.WAITING] == ["its turn has not come"]


async def test_whoever_charges_or_is_away_waits_and_is_said_to(yard: Yard):
    place = yard.place
    box = await yard.charger("CP1")
    await place.register("CP2")
    await box.charge_begins(1, "CARD")
    job_id = await yard.start("CP1", "CP2")
    await place.bridge.go_round()
    job = await yard.job(job_id)
    assert [(task.state, task.detail) for task in job.tasks] == [
        (TaskState.WAITING, "a car is charging"),
        (TaskState.WAITING, "the charger is offline"),
    ]
    await box.charge_ends(1)
    await yard.job_is(job_id, lambda job: job.tasks[0].state is TaskState.DONE)


async def test_a_charge_that_was_forgotten_holds_nobody_up(yard: Yard):
    box = await yard.charger("CP1", ends="Silent")
    await box.charge_begins(1, "CARD")
    job_id = await yard.start("CP1")
    yard.place.clock.shift = timedelta(hours=25)
    await yard.job_is(job_id, lambda job: job.counts["Running"] == 1)


async def test_a_charger_that_does_not_come_to_an_end_fails(yard: Yard):
    await yard.charger("CP1", ends="Silent")
    job_id = await yard.start("CP1", timeout=3600)
    await yard.job_is(job_id, lambda job: job.tasks[0].progress == "Downloading")
    yard.place.clock.shift = timedelta(seconds=3700)
    job = await yard.job_is(job_id, ended)
    assert job.tasks[0].detail == "it did not come to an end in time"


async def test_those_that_are_never_there_are_skipped_in_the_end(yard: Yard):
    await yard.place.register("CP1")
    job_id = await yard.start("CP1", give_up_after=3600)
    yard.place.clock.shift = timedelta(hours=2)
    job = await yard.job_is(job_id, ended)
    assert (job.status, job.tasks[0].state) == (JobStatus.FINISHED, TaskState.SKIPPED)


async def test_installed_before_the_reboot_and_a_version_nobody_wanted(yard: Yard):
    place = yard.place
    await place.register("CP1")
    boot = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}
    async with raw(place.bridge.url, "CP1") as charger:
        await charger.call("BootNotification", boot)
        job_id = await yard.start("CP1", version="3")
        await place.bridge.go_round()
        _, message_id, action, payload = await charger.asked()
        assert (action, payload["location"]) == ("UpdateFirmware", IMAGE)
        await charger.call("FirmwareStatusNotification", {"status": "Downloading"})  # before its answer
        await charger.say([3, message_id, {}])
        await charger.call("FirmwareStatusNotification", {"status": "DownloadFailed"})
        assert (await yard.task(job_id, "CP1")).state is TaskState.FAILED
        await charger.call("FirmwareStatusNotification", {"status": "Downloading"})  # it tries again by itself
        assert (await yard.task(job_id, "CP1")).state is TaskState.RUNNING
        await charger.call("FirmwareStatusNotification", {"status": "Installed"})
        assert (await yard.task(job_id, "CP1")).state is TaskState.INSTALLED
        await charger.call("BootNotification", boot | {"firmwareVersion": "2"})
    task = await yard.task(job_id, "CP1")
    assert (task.state, task.version_after, task.detail) == (TaskState.FAILED, "2", "it runs 2 now, and not 3")


async def test_installed_and_never_booted_is_done_and_said_to_be_unconfirmed(yard: Yard):
    place = yard.place
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        await place.seated("CP1")
        job_id = await yard.start("CP1")
        await place.bridge.go_round()
        _, message_id, *_ = await charger.asked()
        await charger.say([3, message_id, {}])
        await charger.call("FirmwareStatusNotification", {"status": "Installed"})
        place.clock.shift = timedelta(minutes=16)
        job = await yard.job_is(job_id, ended)
    assert job.tasks[0].state is TaskState.DONE
    assert "not confirmed" in str(job.tasks[0].detail)


async def test_a_charger_that_cannot_verify_is_not_given_the_image_unverified(yard: Yard):
    place = yard.place
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        await place.seated("CP1")
        job_id = await yard.start("CP1", **SIGNED)
        await place.bridge.go_round()
        _, message_id, action, payload = await charger.asked()
        assert (action, payload["firmware"]["signature"]) == ("SignedUpdateFirmware", "c2ln")
        await charger.say([4, message_id, "NotImplemented", "", {}])
        job = await yard.job_is(job_id, ended)
        assert (job.tasks[0].state, job.tasks[0].detail) == (TaskState.FAILED, "NotImplemented")
        assert charger.calls.empty()


async def test_a_question_that_died_with_its_process_is_asked_again_under_its_number(yard: Yard):
    place = yard.place
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await place.seated("CP1")
        job_id = await yard.start("CP1")
        await place.bridge.go_round()
        _, _, _, first = await charger.asked()
        place.bridge._foreman.stop()  # as when the process is killed between asking and writing
        assert (await yard.task(job_id, "CP1")).state is TaskState.ASKED
        place.clock.shift = timedelta(minutes=5)
        await until(lambda: _asked_again(yard, charger))
        _, message_id, _, again = await charger.asked()
        assert again["requestId"] == first["requestId"]
        await charger.say([3, message_id, {"status": "Accepted"}])
        await yard.job_is(job_id, lambda job: job.tasks[0].state is TaskState.RUNNING)


async def _asked_again(yard: Yard, charger) -> bool:
    await yard.place.bridge.go_round()
    return not charger.calls.empty()


async def test_another_bridge_takes_a_rollout_over(yard: Yard):
    place = yard.place
    await place.register("CP1")
    async with place.another() as second, raw(second.url, "CP1") as charger:
        await place.seated("CP1", bridge=second)
        job_id = await yard.start("CP1")
        await place.bridge.go_round()
        assert (await yard.task(job_id, "CP1")).state is TaskState.WAITING
        await second.go_round()
        assert (await charger.asked())[2] == "UpdateFirmware"


async def test_who_has_the_version_already_is_not_asked(yard: Yard):
    await yard.charger("CP1")
    job = await yard.job_is(await yard.start("CP1", version="1.0.0"), ended)
    assert (job.tasks[0].state, job.tasks[0].detail) == (TaskState.DONE, "it had this version already")


async def test_a_group_is_who_says_so_of_itself(yard: Yard):
    await yard.charger("CP1")
    await yard.place.register("CP2")
    job_id = await yard.start(group=ChargerGroup(vendor="Simulated", version="1.0.0"))
    assert [task.charger for task in (await yard.job(job_id)).tasks] == ["CP1"]
    with pytest.raises(NotPossible, match="no charger is of this"):
        await yard.start(group=ChargerGroup(vendor="Nobody"))


async def test_one_rollout_has_a_charger_and_a_stopped_one_lets_it_go(yard: Yard):
    await yard.place.register("CP1")
    first = await yard.start("CP1")
    with pytest.raises(NotPossible, match="another roll-out is not done with CP1") as told:
        await yard.start("CP1")
    assert told.value.chargers == ("CP1",)
    async with yard.place.work() as db:
        stopped = await yard.book.stop_firmware(first, db)
    assert (stopped.status, stopped.reason) == (JobStatus.STOPPED, "the operator stopped it")
    await yard.start("CP1")
    task = await yard.task(first, "CP1")
    assert (task.state, task.detail) == (TaskState.SKIPPED, "another roll-out took its place")


@pytest.mark.parametrize(("chargers", "text"), [((), "name chargers"), (("NONE",), "there is no charger NONE")])
async def test_chargers_that_there_are_not_are_refused(yard: Yard, chargers, text):
    with pytest.raises(NotPossible, match=text):
        await yard.start(*chargers)


async def test_progress_that_nobody_asked_for_is_kept(yard: Yard):
    place: Place = yard.place
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        assert await charger.call("FirmwareStatusNotification", {"status": "Downloading"}) == {}
    kept = await place.value("SELECT document::text FROM ocpp_notice WHERE topic = 'FirmwareStatusNotification'")
    assert kept == '{"status": "Downloading"}'
