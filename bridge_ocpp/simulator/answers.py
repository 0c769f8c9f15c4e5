"""What a charger answers to, version by version: every action that it knows, and who does it. An action that is not
here is NotImplemented. Tests and docs read these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge_ocpp.simulator import charging, device16, device201, remote, security, upkeep, watching
from bridge_ocpp.simulator.driving import Driven
from bridge_ocpp.simulator.meter import Payload

Worker = Callable[[Driven, Payload], Payload]
SMART = ("SetChargingProfile", "ClearChargingProfile", "GetCompositeSchedule", "GetChargingProfiles")
"""What a charger that is not `smart` does not know."""


def _safe(work: Callable[[security.Safe, Payload], Payload]) -> Worker:
    return lambda charger, payload: work(charger.safe, payload)


def _shop(work: Callable[[upkeep.Workshop, Payload], Payload]) -> Worker:
    return lambda charger, payload: work(charger.workshop, payload)


def _watch(work: Callable[[watching.Watch, Payload], Payload]) -> Worker:
    return lambda charger, payload: work(charger.watch, payload)


_ALIKE: Mapping[str, Worker] = {
    "CancelReservation": remote.release,
    "CertificateSigned": _safe(security.signed),
    "ClearCache": remote.clear_cache,
    "DataTransfer": remote.data,
    "DeleteCertificate": _safe(security.deleted),
    "GetLog": _shop(upkeep.log),
    "InstallCertificate": _safe(security.installed),
}

ANSWERS16: Mapping[str, Worker] = {
    **_ALIKE,
    "ChangeAvailability": device16.availability,
    "ChangeConfiguration": device16.change,
    "ClearChargingProfile": charging.clear16,
    "ExtendedTriggerMessage": device16.extended_trigger,
    "GetCompositeSchedule": charging.composite16,
    "GetConfiguration": device16.get,
    "GetDiagnostics": _shop(upkeep.diagnostics16),
    "GetInstalledCertificateIds": _safe(security.listed16),
    "GetLocalListVersion": device16.list_version,
    "RemoteStartTransaction": remote.start16,
    "RemoteStopTransaction": remote.stop,
    "ReserveNow": remote.reserve16,
    "Reset": device16.reset,
    "SendLocalList": device16.take_list,
    "SetChargingProfile": charging.set16,
    "SignedUpdateFirmware": _shop(upkeep.signed_update16),
    "TriggerMessage": device16.trigger,
    "UnlockConnector": remote.unlock16,
    "UpdateFirmware": _shop(upkeep.update16),
}

ANSWERS201: Mapping[str, Worker] = {
    **_ALIKE,
    **{action: _watch(work) for action, work in watching.ANSWERS.items()},
    "ChangeAvailability": device201.availability,
    "ClearChargingProfile": charging.clear201,
    "GetBaseReport": device201.base_report,
    "GetChargingProfiles": charging.report,
    "GetCompositeSchedule": charging.composite201,
    "GetInstalledCertificateIds": _safe(security.listed201),
    "GetLocalListVersion": device201.list_version,
    "GetReport": device201.report,
    "GetTransactionStatus": remote.transaction_status,
    "GetVariables": device201.get,
    "PublishFirmware": _shop(upkeep.publish201),
    "RequestStartTransaction": remote.start201,
    "RequestStopTransaction": remote.stop,
    "ReserveNow": remote.reserve201,
    "Reset": device201.reset,
    "SendLocalList": device201.take_list,
    "SetChargingProfile": charging.set201,
    "SetNetworkProfile": device201.network_profile,
    "SetVariables": device201.change,
    "TriggerMessage": device201.trigger,
    "UnlockConnector": remote.unlock201,
    "UnpublishFirmware": _shop(upkeep.unpublish201),
    "UpdateFirmware": _shop(upkeep.update201),
}

ANSWERS21: Mapping[str, Worker] = {
    **ANSWERS201,
    "AFRRSignal": lambda charger, payload: charger.dynamic.hear_signal(payload),
    "AdjustPeriodicEventStream": lambda charger, payload: charger.streams.adjust(payload),
    "ChangeTransactionTariff": lambda charger, payload: charger.tariffs.change(payload),
    "ClearDERControl": lambda charger, payload: charger.grid.clear(payload),
    "ClearTariffs": lambda charger, payload: charger.tariffs.clear(payload),
    "GetDERControl": lambda charger, payload: charger.grid.get(payload),
    "GetPeriodicEventStream": lambda charger, payload: charger.streams.listed(payload),
    "GetTariffs": lambda charger, payload: charger.tariffs.assigned(payload),
    "NotifyAllowedEnergyTransfer": lambda charger, payload: charger.dynamic.allow(payload),
    "NotifyWebPaymentStarted": lambda charger, payload: charger.till.web_payment(payload),
    "RequestBatterySwap": lambda charger, payload: charger.slots.request(payload),
    "SetDERControl": lambda charger, payload: charger.grid.set(payload),
    "SetDefaultTariff": lambda charger, payload: charger.tariffs.set_default(payload),
    "UpdateDynamicSchedule": lambda charger, payload: charger.dynamic.update(payload),
    "UsePriorityCharging": lambda charger, payload: charger.dynamic.use_priority(payload),
}

ANSWERS: Mapping[str, Mapping[str, Worker]] = {
    "ocpp1.6": ANSWERS16,
    "ocpp2.0.1": ANSWERS201,
    "ocpp2.1": ANSWERS21,
}
"""By version."""


def answer(charger: Driven, action: str, payload: Payload) -> Payload | None:
    """The answer to the central system's call, or None for an action that this charger does not know."""
    worker = ANSWERS[charger.protocol].get(action)
    if worker is None or action in charger.unable or (action in SMART and not charger.smart):
        return None
    return worker(charger, payload)
