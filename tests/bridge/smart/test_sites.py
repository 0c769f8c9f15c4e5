"""A site's description: what is read, and what is refused by the field's name."""

from decimal import Decimal

import pytest

from bridge_ocpp.smart.sites import SiteProblem, read_site

D = Decimal


def test_a_site_as_it_is_described():
    site = read_site("S", {"limit_a": 63, "chargers": ["BOX-1", {"id": "BOX-2", "phases": [2], "maximum_a": 16}]})
    assert site.lanes() == {("", 1): D(63), ("", 2): D(63), ("", 3): D(63)}
    assert site.members["box-1"].lanes == frozenset({("", 1), ("", 2), ("", 3)})
    assert (site.members["box-2"].phases, site.members["box-2"].maximum) == ((2,), D(16))
    assert (site.minimum, site.start, site.voltage) == (D(6), D(0), 230)
    assert site.lanes(external=D("20.5"))["", 2] == D("20.5")


def test_watts_are_shared_over_phases_and_rounded_down():
    assert read_site("S", {"limit_w": 43_500, "chargers": ["A"]}).limits == {"": D(63)}
    one = read_site("S", {"limit_w": 4600, "phases": 1, "chargers": ["A"]})
    assert (one.limits, one.members["a"].phases) == ({"": D(20)}, (1,))


def test_circuits_inside_circuits():
    inner = {"id": "row", "limit_a": 16, "chargers": ["C"]}
    garage = {"id": "garage", "limit_w": 22_080, "chargers": ["B"], "circuits": [inner]}
    site = read_site("S", {"limit_a": 63, "chargers": ["A"], "circuits": [garage]})
    assert site.limits == {"": D(63), "garage": D(32), "row": D(16)}
    assert [site.members[key].circuits for key in "abc"] == [("",), ("", "garage"), ("", "garage", "row")]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"chargers": ["A"]}, "limit_a"),
        ({"limit_a": 1, "limit_w": 1, "chargers": ["A"]}, "limit_a"),
        ({"limit_a": -1, "chargers": ["A"]}, "limit_a"),
        ({"limit_a": "many", "chargers": ["A"]}, "limit_a"),
        ({"limit_a": True, "chargers": ["A"]}, "limit_a"),
        ({"limit_a": 63}, "chargers"),
        ({"limit_a": 63, "chargers": []}, "chargers"),
        ({"limit_a": 63, "chargers": "A"}, "chargers"),
        ({"limit_a": 63, "chargers": ["A", "a"]}, "chargers.1"),
        ({"limit_a": 63, "chargers": [{"id": "A", "phases": [4]}]}, "chargers.0.phases"),
        ({"limit_a": 63, "chargers": [{"id": "A", "phases": "12"}]}, "chargers.0.phases"),
        ({"limit_a": 63, "chargers": [{"id": "A", "colour": "red"}]}, "chargers.0.colour"),
        ({"limit_a": 63, "chargers": [5]}, "chargers.0"),
        ({"limit_a": 63, "chargers": ["A"], "phases": 2}, "phases"),
        ({"limit_a": 63, "chargers": ["A"], "voltage": "230"}, "voltage"),
        ({"limit_a": 63, "chargers": ["A"], "start_a": 7}, "start_a"),
        ({"limit_a": 63, "chargers": ["A"], "limits": 7}, "limits"),
        ({"limit_a": 63, "chargers": ["A"], "circuits": [{"limit_a": 5}]}, "circuits.0.id"),
        ({"limit_a": 63, "chargers": ["A"], "circuits": [{"id": "x", "limit_a": 5}] * 2}, "circuits.1.id"),
        ({"limit_a": 63, "chargers": ["A"], "circuits": [{"id": "x"}]}, "circuits.0.limit_a"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_field(said, field):
    with pytest.raises(SiteProblem) as problem:
        read_site("S", said)
    assert problem.value.field == field
