"""Documents as a partner wants them, and as it sends them: literal JSON in and out."""

import copy
from decimal import Decimal

import pytest

from ocpi_hub.dialects.profile import PLAIN, Profile
from ocpi_hub.dialects.shapes import shape_of
from ocpi_hub.dialects.speaking import heard, said, slash_learned, unwrapped, with_slash
from ocpi_hub.objects.kinds import KINDS
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.locations import Location
from ocpi_hub.wire.sessions import Session
from ocpi_hub.wire.tokens import Token
from tests.world import objects


def test_without_wishes_it_is_the_same_document():
    document = objects.location()
    assert said(document, Location, PLAIN) is document
    assert heard(document, Location, PLAIN) is document


@pytest.mark.parametrize(
    ("kept", "seconds", "milliseconds"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T11:00:00.5+01:00", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.500Z"),
        ("soon", "soon", "soon"),
    ],
)
def test_times_at_every_depth(kept, seconds, milliseconds):
    document = objects.location(last_updated=kept, evses=[objects.evse(last_updated=kept)], name=kept)
    for how, expected in (("seconds", seconds), ("milliseconds", milliseconds)):
        spoken = said(document, Location, Profile(times=how))
        assert (spoken["last_updated"], spoken["evses"][0]["last_updated"]) == (expected, expected)
        assert spoken["name"] == kept, "what is no DateTime stays"


def test_every_optional_field_is_there_for_a_partner_that_needs_it():
    token = objects.token(visual_number=None, vendor_field={"x": None})
    before = copy.deepcopy(token)
    spoken = said(token, Token, Profile(nulls="explicit"))
    assert spoken["visual_number"] is None
    assert spoken["energy_contract"] is None
    assert spoken["vendor_field"] == {"x": None}, "unknown fields stay as they are"
    assert token == before, "what is given is never changed"
    location = said(objects.location(), Location, Profile(nulls="explicit"))
    assert (location["images"], location["operator"], location["evses"][0]["capabilities"]) == ([], None, [])
    for kind in KINDS.values():
        sample = getattr(objects, kind.name.lower())()
        kind.model.model_validate(said(sample, kind.model, Profile(nulls="explicit")))


def test_numbers_in_quotes_become_numbers_exactly():
    quoted = objects.cdr(total_energy="10.50", total_time="1", total_cost={"excl_vat": "3.00", "incl_vat": "3.630"})
    quoted["charging_periods"] = [objects.charging_period(kwh="10.50")]
    quoted["id"], quoted["session_id"] = "12", "13"
    read = heard(quoted, CDR, Profile(numeric_strings=True))
    assert (read["total_energy"], read["total_time"]) == (Decimal("10.50"), 1)
    assert str(read["total_cost"]["incl_vat"]) == "3.630"
    assert read["charging_periods"][0]["dimensions"][0]["volume"] == Decimal("10.50")
    assert (read["id"], read["session_id"]) == ("12", "13"), "an id is no number"
    CDR.model_validate(read)


@pytest.mark.parametrize("value", ["1e5", "", "0x10", "1,5", "NaN", "٣", "+1", "01", None, True, ["1"]])
def test_what_is_no_number_stays_and_is_refused_later(value):
    assert heard(objects.session(kwh=0) | {"kwh": value}, Session, Profile(numeric_strings=True))["kwh"] == value


@pytest.mark.parametrize("bad", [{"evses": 3}, {"evses": [3, None, "x"]}, {"coordinates": []}])
def test_nonsense_passes_without_harm(bad):
    profile = Profile(numeric_strings=True, nulls="explicit", times="seconds")
    assert heard(bad, Location, profile) == bad
    assert said(bad, Location, profile)[next(iter(bad))] == bad[next(iter(bad))]


def test_the_shapes_know_the_fields_of_the_specification():
    shape = shape_of(Session)
    assert {"kwh"} == shape.numbers
    assert {"start_date_time", "end_date_time", "last_updated"} == shape.times
    assert {"excl_vat", "incl_vat"} == shape.inner["total_cost"].numbers
    assert {"volume"} == shape.inner["charging_periods"].inner["dimensions"].numbers
    tariff = shape_of(KINDS["tariffs"].model).inner["elements"]
    assert {"price", "vat", "step_size"} == tariff.inner["price_components"].numbers
    assert {"min_kwh", "max_kwh", "min_duration"} <= tariff.inner["restrictions"].numbers


@pytest.mark.parametrize(
    ("data", "read"),
    [([{"a": 1}], {"a": 1}), ({"a": 1}, {"a": 1}), ([], []), ([{}, {}], [{}, {}]), (["x"], ["x"]), (None, None)],
)
def test_a_list_of_one_object_is_that_object(data, read):
    assert unwrapped(data) == read


@pytest.mark.parametrize(
    ("url", "always", "never"),
    [
        ("https://a.example/ocpi/tokens", "https://a.example/ocpi/tokens/", "https://a.example/ocpi/tokens"),
        ("https://a.example/t/", "https://a.example/t/", "https://a.example/t"),
        ("https://a.example/t/U%2F1?type=RFID", "https://a.example/t/U%2F1/?type=RFID", "https://a.example/t/U%2F1?type=RFID"),
    ],
)  # fmt: skip
def test_slashes_at_the_end_of_the_path(url, always, never):
    assert (with_slash(url, "always"), with_slash(url, "never"), with_slash(url, "as_given")) == (always, never, url)


def test_what_a_redirect_teaches():
    assert slash_learned("https://a.example/t?x=1", "https://a.example/t/?x=1") == "always"
    assert slash_learned("https://a.example/t/", "https://a.example/t") == "never"
    assert slash_learned("https://a.example/t", "https://a.example/u/") is None
    assert slash_learned("https://a.example/t", "https://a.example/t") is None
