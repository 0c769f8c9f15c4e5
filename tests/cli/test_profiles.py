"""Reading what an operator wishes at the terminal."""

import pytest
import typer

from ocpi_hub.cli.profiles import read_wishes


def test_wishes_are_words_json_or_nothing():
    wishes = [
        "push=patch",
        "page_size=50",
        "numeric_strings=true",
        "nulls=",
        "pull.cdrs.on=false",
        "pull.cdrs.every=900",
    ]
    assert read_wishes(wishes) == {
        "push": "patch",
        "page_size": 50,
        "numeric_strings": True,
        "nulls": None,
        "pull": {"cdrs": {"on": False, "every": 900}},
    }


@pytest.mark.parametrize("wish", ["push", "=patch"])
def test_what_is_no_wish_is_wrong_use(wish):
    with pytest.raises(typer.BadParameter):
        read_wishes([wish])
