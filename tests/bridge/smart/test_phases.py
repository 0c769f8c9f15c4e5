"""Which phases a car loads, out of what its meter says; with meters that say little, late, or nonsense."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bridge_ocpp.clock import Said
from bridge_ocpp.meter import Reading
from bridge_ocpp.smart.phases import SURE_AFTER, currents, learn, unloaded
from bridge_ocpp.smart.tables import ShareRow

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def reading(value, phase, measurand="Current.Import", **more):
    return Reading(Said(NOON, NOON.isoformat()), measurand, D(value), "A", phase, **more)


def row():
    return ShareRow(charger_key="b1", evse_id=1, site_key="s")


def seen(share, *amperes, after=0, settled=True):
    learn(share, {n: D(a) for n, a in enumerate(amperes)}, at=NOON + timedelta(seconds=after), settled=settled)
    return share.idle_phases


def test_currents_are_read_by_phase_and_power_where_there_are_none():
    said = [reading(10, "L1"), reading(0, "L2-N"), reading(7, None), reading(9, "N"), reading(3, "L1-L2")]
    assert currents(said) == {0: D(10), 1: D(0)}
    assert currents([reading(2300, "L1", "Power.Active.Import"), reading(0, "L3", "Power.Active.Import")]) == {
        0: D(10),
        2: D(0),
    }
    assert currents([reading(5, "L1"), reading(0, "L1", "Power.Active.Import")]) == {0: D(5)}
    assert currents([reading(5, "L1", location="Inlet"), reading(5, "L1", "Voltage")]) == {}


def test_an_empty_phase_is_believed_after_a_while():
    share = row()
    assert seen(share, 16, "0.3", 0) == 0
    assert seen(share, 16, "0.3", 0, after=SURE_AFTER.total_seconds() - 1) == 0
    assert seen(share, 16, "0.3", 0, after=SURE_AFTER.total_seconds()) == 0b110


def test_one_measurement_is_not_enough_however_late():
    assert seen(row(), 16, 0, 0, after=3600) == 0


def test_what_differs_begins_anew():
    share = row()
    seen(share, 16, 0, 0)
    assert seen(share, 16, 16, 0, after=30) == 0
    assert seen(share, 16, 0, 0, after=40) == 0
    assert seen(share, 16, 0, 0, after=60) == 0b100


def test_a_phase_that_is_loaded_after_all_counts_at_once_whenever_it_is_measured():
    share = row()
    share.idle_phases = 0b110
    assert seen(share, 16, 1, 0, settled=False) == 0b100
    assert seen(share, 0, 2, 2) == 0


def test_a_car_that_draws_nothing_or_has_just_been_raised_says_nothing():
    share = row()
    for after in (0, 30, 60):
        assert seen(share, 0, 0, 0, after=after) == 0
        assert seen(share, 3, 0, 0, after=after + 1) == 0
        assert seen(share, 16, 0, 0, after=after + 2, settled=False) == 0


def test_what_is_learned_lasts_while_the_car_pauses():
    share = row()
    seen(share, 16, 0, 0)
    seen(share, 16, 0, 0, after=30)
    assert seen(share, 0, 0, 0, after=60) == 0b110


def test_a_phase_that_the_meter_does_not_name_counts():
    share = row()
    seen(share, 16)
    assert seen(share, 16, after=60) == 0


def test_rotation_is_the_order_of_the_chargers_phases():
    assert unloaded(0b110, (1, 2, 3)) == (2, 3)
    assert unloaded(0b110, (2, 3, 1)) == (3, 1)
    assert unloaded(0b110, (3,)) == ()
