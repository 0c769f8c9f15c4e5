"""`ocpi-hub price`: what it prints, and its exit status."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ocpi_hub.cli.price import run
from ocpi_hub.wire import json as wire_json
from tests.pricing.build import Json, cdr, example, period

ZONE = "Europe/Amsterdam"


def saturday(**fields: Any) -> Json:
    """The specification's complex example on a Saturday."""
    return cdr(
        period("2019-01-05T12:30:00Z", ENERGY="17.1", TIME="1.9", MIN_CURRENT=43),
        period("2019-01-05T14:24:00Z", PARKING_TIME="1.1833"),
        end="2019-01-05T15:35:00Z",
        **fields,
    )


class Files:
    """A folder with a tariff and a CDR in it."""

    def __init__(self, folder: Path) -> None:
        self.tariff, self.cdr = folder / "tariff.json", folder / "cdr.json"

    def hold(self, tariff: Any, cdr_: Any) -> "Files":
        self.tariff.write_text(json.dumps(tariff))
        self.cdr.write_text(json.dumps(cdr_))
        return self

    def priced(self, *, time_zone: str = ZONE, as_json: bool = False) -> int:
        return run(self.tariff, self.cdr, time_zone=time_zone, as_json=as_json)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_equal_totals(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    right = saturday(total_cost={"excl_vat": 12.38, "incl_vat": 13.98}, total_energy=17.1, total_time=3.0833)
    assert files.hold(example("tariff_4_complex"), right).priced() == 0
    out, err = capsys.readouterr()
    assert "The CDR's own totals are equal." in out
    assert "Sat 2019-01-05 13:30:00" in out
    assert "1.1833 → 1.25 h" in out
    assert "SATURDAY is one of SATURDAY, SUNDAY; 43 A is at least 32 A" in out
    assert "43 A is not below 32 A" in out
    assert "PARKING_TIME: 4259.88 s used, 4500 s billed: blocks of 300 s" in out
    assert err == ""


def test_no_totals_to_compare(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.hold(example("tariff_4_complex"), saturday()).priced() == 0
    assert "The CDR states no total_cost to compare with." in capsys.readouterr().out


def test_totals_that_differ(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    """The misprint of the specification."""
    wrong = saturday(total_cost={"excl_vat": 12.28, "incl_vat": 13.861}, total_time_cost={"excl_vat": 2.28})
    assert files.hold(example("tariff_4_complex"), wrong).priced() == 1
    out = capsys.readouterr().out
    assert "total_cost.excl_vat: the CDR says 12.28, the tariff gives 12.375, 0.095 more" in out
    assert "total_cost.incl_vat: the CDR says 13.861, the tariff gives 13.975, 0.114 more" in out
    assert "total_time_cost.excl_vat: the CDR says 2.28, the tariff gives 2.375, 0.095 more" in out


def test_json(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = saturday(total_cost={"excl_vat": 12.28, "incl_vat": 13.98}, total_energy=18)
    assert files.hold(example("tariff_4_complex"), wrong).priced(as_json=True) == 1
    document = wire_json.loads(capsys.readouterr().out)
    assert document["total_cost"] == {"excl_vat": Decimal("12.375"), "incl_vat": Decimal("13.975")}
    assert document["lines"][2]["element"] == 3
    assert document["differences"] == [
        {
            "field": "total_cost.excl_vat",
            "stated": Decimal("12.28"),
            "computed": Decimal("12.375"),
            "difference": Decimal("-0.095"),
        },
        {"field": "total_energy", "stated": 18, "computed": Decimal("17.1"), "difference": Decimal("0.9")},
    ]


def test_several_tariffs_in_one_file(files: Files) -> None:
    """A list of tariffs: each period's tariff_id says which one."""
    tariffs = [example("tariff_8_simple_025kwh"), example("tariff_1_simple_2hour")]
    session = cdr(
        period("2019-01-05T12:00:00Z", tariff_id="16", ENERGY=4),
        period("2019-01-05T13:00:00Z", tariff_id="12", TIME=1),
        total_cost={"excl_vat": 3},
    )
    assert files.hold(tariffs, session).priced() == 0


@pytest.mark.parametrize(
    ("tariff", "cdr_", "zone", "sentence"),
    [
        ({}, saturday(), ZONE, "{tariff}: id: is missing"),
        (example("tariff_4_complex"), cdr(), ZONE, "{cdr}: charging_periods: must have at least one entry"),
        (example("tariff_4_complex"), [1], ZONE, "{cdr}: document: must be an object"),
        (
            example("tariff_4_complex"),
            saturday(total_cost={"excl_vat": "much"}),
            ZONE,
            "{cdr}: total_cost.excl_vat: must be a number",
        ),
        (
            example("tariff_4_complex"),
            saturday(),
            "Europe/Utrecht",
            "--time-zone: 'Europe/Utrecht' is not a time zone such as Europe/Amsterdam",
        ),
    ],
)
def test_bad_input_is_one_sentence(
    files: Files, capsys: pytest.CaptureFixture[str], tariff: Any, cdr_: Any, zone: str, sentence: str
) -> None:
    assert files.hold(tariff, cdr_).priced(time_zone=zone) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"ocpi-hub: {sentence.format(tariff=files.tariff, cdr=files.cdr)}\n"


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "[" * 100_000, "\x00"])
def test_a_file_that_is_not_json(files: Files, capsys: pytest.CaptureFixture[str], text: str) -> None:
    files.hold(example("tariff_4_complex"), None).cdr.write_text(text)
    assert files.priced() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ocpi-hub: {files.cdr}: ")
    assert err.count("\n") == 1


def test_a_file_that_is_not_there(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.priced() == 2
    assert capsys.readouterr().err == f"ocpi-hub: {files.tariff}: No such file or directory\n"


def test_documents_are_text_and_no_markup(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets are printed as they are; control characters never reach the terminal."""
    odd = example("tariff_6_025kwh_start_max_price") | {"id": "[red]\x1b[2JT"}
    dear = cdr(period("2019-01-05T12:00:00Z", ENERGY=50))
    assert files.hold(odd, dear).priced() == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "max_price of tariff [red][2JT moves the total by -3.00 excl. VAT" in out
    odd["elements"][0]["restrictions"] = {"\x1b[2J": 1}
    assert files.hold(odd, dear).priced() == 2
    assert "\x1b" not in capsys.readouterr().err


def test_money_has_the_digits_of_its_currency(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    yen = example("tariff_8_simple_025kwh") | {"currency": "JPY"}
    yen["elements"][0]["price_components"][0]["price"] = 30
    assert files.hold(yen, cdr(period("2019-01-05T12:00:00Z", ENERGY=2))).priced() == 0
    assert " 60 " in capsys.readouterr().out


def test_files_in_the_wrong_order_and_an_empty_one(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.hold(saturday(), saturday()).priced() == 2
    assert capsys.readouterr().err.endswith(
        "tariff.json: is a CDR or a Session: the tariff comes first, then the CDR\n"
    )
    assert files.hold(example("tariff_4_complex"), example("tariff_4_complex")).priced() == 2
    assert capsys.readouterr().err.endswith("cdr.json: is a tariff: the tariff comes first, then the CDR\n")
    files.tariff.write_text(" \n")
    assert files.priced() == 2
    out, err = capsys.readouterr()
    assert (out, err.endswith("tariff.json: is empty\n")) == ("", True)


def test_a_whole_answer_of_a_partner_is_read_too(files: Files) -> None:
    envelope = {"status_code": 1000, "timestamp": "2026-03-01T10:00:00Z"}
    right = saturday(total_cost={"excl_vat": 12.38, "incl_vat": 13.98}, total_energy=17.1, total_time=3.0833)
    tariff = envelope | {"data": example("tariff_4_complex")}
    assert files.hold(tariff, envelope | {"data": right}).priced() == 0
    several = envelope | {"data": [example("tariff_4_complex")]}
    assert files.hold(several, right).priced() == 0
