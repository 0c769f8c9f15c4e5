"""From samples and charging states to what pricing is given: register, parking, power, current."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge_ocpp.port import ChargingState, Sample, StateChange
from ocpi_hub.chargers import readings

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
END = START + timedelta(hours=2)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def states(*changes: tuple[float, str]) -> list[StateChange]:
    return [StateChange(at(minutes), ChargingState(state)) for minutes, state in changes]


def energy(*values: tuple[float, int]) -> list[Sample]:
    return [Sample(at(minutes), readings.REGISTER, Decimal(value), "Wh") for minutes, value in values]


@pytest.mark.parametrize(
    ("changes", "parked"),
    [
        ([], [(0, False)]),
        ([(0, "Charging")], [(0, False)]),
        ([(0, "Charging"), (60, "SuspendedEV")], [(0, False), (60, True)]),
        ([(0, "Charging"), (60, "SuspendedEV"), (90, "Charging")], [(0, False), (60, True), (90, False)]),
        # the charger holds back: the vehicle still asks for power (erratum of 2026 on PARKING_TIME)
        ([(0, "Charging"), (60, "SuspendedEVSE")], [(0, False)]),
        # plugged, not yet charging: nobody overstays
        ([(0, "EVConnected"), (10, "Charging")], [(0, False)]),
        ([(0, "EVConnected")], [(0, False)]),
        # charged, then left plugged in, then gone with the transaction still open
        ([(0, "Charging"), (60, "EVConnected"), (80, "Idle")], [(0, False), (60, True)]),
        ([(0, "SuspendedEV")], [(0, True)]),
        ([(0, "SuspendedEV"), (5, "EVConnected")], [(0, True), (5, False)]),
        # a state from before the start counts from the start, one after the end not at all
        ([(-10, "SuspendedEV"), (130, "Charging")], [(0, True)]),
        ([(30, "SuspendedEV"), (10, "Charging")], [(0, False), (30, True)]),
    ],
)
def test_parking(changes: list[tuple[float, str]], parked: list[tuple[float, bool]]) -> None:
    parts = readings.stretches(START, END, states(*changes))
    assert readings.parking(parts) == [(at(minutes), value) for minutes, value in parked]
    assert (parts[0].start, parts[-1].end) == (START, END)


def register(
    changes: list[tuple[float, str]], values: list[tuple[float, int]], total: int
) -> list[tuple[float, Decimal]]:
    parts = readings.stretches(START, END, states(*changes))
    found = readings.register(parts, energy_wh=Decimal(total), samples=energy(*values))
    return [((moment - START) / timedelta(minutes=1), value) for moment, value in found]


def test_a_register_begins_with_nothing_and_ends_with_everything() -> None:
    assert register([], [], 10_000) == [(0, 0), (120, 10_000)]


def test_meter_values_count_from_the_start_of_the_session() -> None:
    found = register([], [(0, 5_000), (60, 9_000), (120, 15_000)], 10_000)
    assert found == [(0, 0), (60, 4_000), (120, 10_000)]


def test_meter_values_without_one_at_the_start_count_back_from_the_total() -> None:
    assert register([], [(30, 7_000), (110, 15_000)], 10_000) == [(0, 0), (30, 2_000), (110, 10_000), (120, 10_000)]


def test_energy_flows_while_the_vehicle_charges_and_not_while_it_is_parked() -> None:
    found = register([(0, "Charging"), (60, "SuspendedEV")], [(0, 0), (120, 10_000)], 10_000)
    assert found == [(0, 0), (60, 10_000), (120, 10_000)]


def test_energy_waits_while_the_charger_holds_back() -> None:
    found = register([(0, "Charging"), (30, "SuspendedEVSE"), (90, "Charging")], [], 10_000)
    assert found == [(0, 0), (30, 5_000), (90, 5_000), (120, 10_000)]


def test_energy_that_was_measured_while_nothing_should_flow_is_spread_over_that_time() -> None:
    found = register([(0, "Charging"), (60, "SuspendedEV"), (90, "EVConnected")], [(60, 8_000), (120, 10_000)], 10_000)
    assert found == [(0, 0), (60, 8_000), (90, 9_000), (120, 10_000)]


def test_a_register_never_runs_backwards_nor_beyond_the_total() -> None:
    found = register([], [(10, 500), (20, 100), (30, 99_999), (40, 1_000)], 1_000)
    assert found == [(0, 0), (10, 500), (20, 500), (30, 1_000), (40, 1_000), (120, 1_000)]


def reading(minutes: float, value: int, **more: str) -> Sample:
    return Sample(at(minutes), readings.REGISTER, Decimal(value), "Wh", **more)  # type: ignore[arg-type]


def test_a_meter_that_fell_counts_from_its_beginning_until_it_fell() -> None:
    parts = readings.stretches(START, END, [])
    samples = [reading(0, 1_000, context="Transaction.Begin"), reading(30, 3_000), reading(60, 5_000), reading(90, 200)]
    found = readings.register(parts, energy_wh=Decimal(4_000), samples=samples)
    assert [value for _, value in found] == [0, 2_000, 4_000, 4_000, 4_000]


def test_the_outlet_counts_where_several_places_are_measured() -> None:
    parts = readings.stretches(START, END, [])
    samples = [reading(60, 7, location="Inlet"), reading(60, 4), reading(120, 10)]
    found = readings.register(parts, energy_wh=Decimal(10), samples=samples)
    assert [value for _, value in found] == [0, 4, 10]
    only_inlet = readings.register(parts, energy_wh=Decimal(10), samples=samples[:1])
    assert [value for _, value in only_inlet] == [0, 10, 10]


def test_other_measurands_and_single_phases_are_not_the_register() -> None:
    parts = readings.stretches(START, END, [])
    samples = [
        Sample(at(10), readings.REGISTER, Decimal(1), "Wh", phase="L1"),
        Sample(at(10), "Energy.Active.Export.Register", Decimal(1), "Wh"),
    ]
    found = readings.register(parts, energy_wh=Decimal(10), samples=samples)
    assert found == [(START, Decimal(0)), (END, Decimal(10))]


def test_a_session_of_no_length_keeps_its_energy() -> None:
    parts = readings.stretches(START, START, [])
    assert readings.register(parts, energy_wh=Decimal(7), samples=[]) == [(START, Decimal(7))]


def test_power_is_the_total_or_the_sum_of_the_phases() -> None:
    samples = [
        Sample(at(1), readings.POWER, Decimal(3000), "W", phase="L1"),
        Sample(at(1), readings.POWER, Decimal(4000), "W", phase="L2"),
        Sample(at(2), readings.POWER, Decimal(11000), "W"),
        Sample(at(2), readings.POWER, Decimal(3600), "W", phase="L1"),
    ]
    assert readings.powers(samples) == [(at(1), Decimal(7)), (at(2), Decimal(11))]


def test_current_is_summed_over_the_phases_that_carry_it() -> None:
    phases = ("L1", "L2", "L3", "N")
    samples = [Sample(at(1), readings.CURRENT, Decimal(16), "A", phase=phase) for phase in phases]
    assert readings.currents(samples) == [(at(1), Decimal(48))]
