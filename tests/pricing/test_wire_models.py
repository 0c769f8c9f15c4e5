"""Wire models price as the documents that they were read from."""

from typing import Any

import pydantic
import pytest

from ocpi_hub.pricing import audit, price
from ocpi_hub.wire.cdrs import CDR
from ocpi_hub.wire.tariffs import Tariff

from .build import cdr, example, period

ZONE = "Europe/Brussels"


@pytest.mark.parametrize("as_model", [(True, True), (True, False), (False, True)])
def test_wire_models(as_model: tuple[bool, bool]) -> None:
    document = example("cdr_example")
    tariff: Any = document["tariffs"][0]
    expected = price(tariff, document, time_zone=ZONE).as_document()
    cdr_: Any = CDR.model_validate(document) if as_model[0] else document
    tariff = Tariff.model_validate(tariff) if as_model[1] else tariff
    assert price(tariff, cdr_, time_zone=ZONE).as_document() == expected
    assert audit(cdr_, time_zone=ZONE).as_document() == audit(document, time_zone=ZONE).as_document()


def test_restrictions_in_a_wire_model() -> None:
    document = example("tariff_4_complex")
    session = cdr(period("2019-01-05T12:30:00Z", TIME="1.9", MIN_CURRENT=43))
    model = price(Tariff.model_validate(document), session, time_zone=ZONE)
    assert model.as_document() == price(document, session, time_zone=ZONE).as_document()


def test_any_pydantic_model() -> None:
    """What is not a model of ours is read by its model_dump."""

    class Foreign(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")

    document = example("cdr_example")
    foreign = Foreign.model_validate(document)
    assert price(document["tariffs"][0], foreign, time_zone=ZONE).total_cost.excl_vat == 4
