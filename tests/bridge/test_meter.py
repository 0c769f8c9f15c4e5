"""Numbers, units and the energy that follows from meter values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_ocpp.clock import Said
from bridge_ocpp.meter import (
    BEGIN,
    END,
    INTERVAL,
    METER_BACKWARDS,
    NO_BEGIN_READING,
    REGISTER,
    Energy,
    Reading,
    energy,
    normalise,
    read_number,
)
from bridge_ocpp.port import Sample

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("1.5", "1.5"),
        (" 12 ", "12"),
        (Decimal("0.10"), "0.10"),
        (7, "7"),
        ("-3", "-3"),
        ("+1.", "1"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("12,5", "12.5"),
        ("-0,125", "-0.125"),
        ("1.234,567", "1234.567"),
        ("1,234.5", "1234.5"),
        ("12345678,9", "12345678.9"),
    ],
)
def test_numbers_are_read(value: object, number: str) -> None:
    assert read_number(value) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "NaN",
        "Infinity",
        "12,345",
        "1,2,3",
        "1.23,4",
        "1_000",
        "0x1f",
        True,
        None,
        [],
        "1e999999999",
        Decimal("1e999999"),
        "1" * 70,
    ],
)
def test_what_is_no_number_is_none(value: object) -> None:
    assert read_number(value) is None


@pytest.mark.parametrize(
    ("value", "unit", "measurand", "expected"),
    [
        ("1.5", "kWh", REGISTER, ("1500.0", "Wh")),
        ("1.5", "kwh", REGISTER, ("1500.0", "Wh")),
        ("1500", None, REGISTER, ("1500", "Wh")),
        ("7", "kW", "Power.Active.Import", ("7000", "W")),
        ("7", None, "Power.Active.Import", ("7", "W")),
        ("2", "kvarh", "Energy.Reactive.Import.Register", ("2000", "varh")),
        ("2", None, "Energy.Reactive.Import.Register", ("2", "varh")),
        ("300", "K", "Temperature", ("26.85", "Celsius")),
        ("50", "Fahrenheit", "Temperature", ("10.000", "Celsius")),
        ("21", "Celcius", "Temperature", ("21", "Celsius")),
        ("50", None, "Frequency", ("50", "Hz")),
        ("80", None, "SoC", ("80", "Percent")),
        ("3", "furlong", "Power.Active.Import", ("3", "furlong")),
    ],
)
def test_units_are_normalised(value: str, unit: str | None, measurand: str, expected: tuple[str, str]) -> None:
    assert normalise(Decimal(value), unit, measurand) == (Decimal(expected[0]), expected[1])


def sample(
    minute: float, value: str, *, phase: str | None = None, context: str = "Sample.Periodic", **more: str
) -> Sample:
    return Sample(
        START + timedelta(minutes=minute),
        more.get("measurand", REGISTER),
        Decimal(value),
        "Wh",
        phase,
        context,
        more.get("location", "Outlet"),
    )


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param([], Energy(None), id="nothing said"),
        pytest.param([sample(0, "100", context=BEGIN)], Energy(Decimal(0)), id="only the beginning"),
        pytest.param([sample(0, "100")], Energy(None, (NO_BEGIN_READING,)), id="one reading says nothing"),
        pytest.param(
            [sample(0, "100", context=BEGIN), sample(1, "160"), sample(2, "220", context=END)],
            Energy(Decimal(120)),
            id="end less beginning",
        ),
        pytest.param(
            [sample(0, "100", context=BEGIN), sample(2, "220", context=END), sample(3, "300")],
            Energy(Decimal(120)),
            id="what is metered after the end does not count",
        ),
        pytest.param([sample(0, "100"), sample(1, "160")], Energy(Decimal(60), (NO_BEGIN_READING,)), id="no beginning"),
        pytest.param(
            [sample(0, "100", context=BEGIN), sample(1, "5"), sample(2, "220", context=END)],
            Energy(Decimal(120), (METER_BACKWARDS,)),
            id="a dip is flagged and changes nothing",
        ),
        pytest.param(
            [sample(0, "1000", context=BEGIN), sample(1, "1500"), sample(2, "20", context=END)],
            Energy(Decimal(500), (METER_BACKWARDS,)),
            id="a reset: only what was counted before it is certain",
        ),
        pytest.param(
            [
                sample(0, "10", phase="L1", context=BEGIN),
                sample(0, "20", phase="L2", context=BEGIN),
                sample(1, "15", phase="L1", context=END),
                sample(1, "27", phase="L2", context=END),
            ],
            Energy(Decimal(12)),
            id="per phase only",
        ),
        pytest.param(
            [
                sample(0, "10", context=BEGIN),
                sample(0, "4", phase="L1", context=BEGIN),
                sample(1, "16", context=END),
                sample(1, "7", phase="L1", context=END),
            ],
            Energy(Decimal(6)),
            id="the sum goes before the phases",
        ),
        pytest.param(
            [sample(0, "5", measurand=INTERVAL), sample(1, "7", measurand=INTERVAL)],
            Energy(Decimal(12)),
            id="intervals",
        ),
        pytest.param(
            [
                sample(0, "10", context=BEGIN),
                sample(0, "11", context=BEGIN, location="Inlet"),
                sample(1, "16", context=END),
                sample(1, "19", context=END, location="Inlet"),
            ],
            Energy(Decimal(6)),
            id="the outlet goes before the inlet",
        ),
    ],
)
def test_energy(samples: list[Sample], expected: Energy) -> None:
    assert energy(samples) == expected


@given(st.lists(st.decimals(min_value=0, max_value=10**6, places=3), min_size=1, max_size=30))
def test_the_energy_of_a_rising_register_is_the_sum_of_its_steps(steps: list[Decimal]) -> None:
    register, samples = Decimal(12345), [sample(0, "12345", context=BEGIN)]
    for minute, step in enumerate(steps, start=1):
        register += step
        samples.append(sample(minute, str(register)))
    assert energy(samples) == Energy(sum(steps, Decimal(0)))


def test_a_reading_sent_again_has_the_same_fingerprint_and_another_has_not() -> None:
    first = Reading(Said(START), REGISTER, Decimal("1.50"), "Wh")
    assert first.fingerprint() == Reading(Said(START, text="x"), REGISTER, Decimal("1.5"), "Wh").fingerprint()
    others = [
        Reading(Said(START + timedelta(seconds=1)), REGISTER, Decimal("1.5"), "Wh"),
        Reading(Said(START), REGISTER, Decimal("1.6"), "Wh"),
        Reading(Said(START), REGISTER, Decimal("1.5"), "Wh", phase="L1"),
        Reading(Said(START), REGISTER, Decimal("1.5"), "Wh", context=END),
        Reading(Said(START), REGISTER, Decimal("1.5"), "Wh", signed={"signedMeterData": "x"}),
    ]
    assert len({first.fingerprint(), *(other.fingerprint() for other in others)}) == 6
