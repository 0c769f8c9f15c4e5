"""The schemas: strict for what we send, a little open for what we hear."""

import pytest

from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.schemas import Edition

EDITIONS = {name: Edition(dialect.schema_folder, dialect.request_suffix) for name, dialect in DIALECTS.items()}


@pytest.mark.parametrize("protocol", list(DIALECTS))
def test_every_action_of_the_dialects_has_its_schemas(protocol: str) -> None:
    edition, dialect = EDITIONS[protocol], DIALECTS[protocol]
    for action in [*dialect.inbound, *(outbound.action for outbound in dialect.outbound.values())]:
        assert edition.knows(action)
        assert edition.request_heard(action).violations({}) is not None
        assert edition.response_sent(action).violations({}) is not None


def test_only_actions_are_known() -> None:
    assert EDITIONS["ocpp1.6"].knows("BootNotification")
    assert not EDITIONS["ocpp1.6"].knows("BootNotificationResponse")
    assert not EDITIONS["ocpp1.6"].knows("TransactionEvent")
    assert EDITIONS["ocpp2.0.1"].knows("TransactionEvent")
    assert not EDITIONS["ocpp2.0.1"].knows("../v16/schemas/Heartbeat")


def test_unknown_fields_pass_in_and_not_out() -> None:
    edition = EDITIONS["ocpp1.6"]
    payload = {"idTag": "T", "vendorThing": 1}
    assert edition.request_heard("Authorize").holds(payload)
    assert not edition.request_sent("Authorize").holds(payload)


def test_a_violation_names_field_and_rule() -> None:
    found = EDITIONS["ocpp2.0.1"].request_heard("Authorize").violations({"idToken": {"type": "Central"}})
    assert [(v.where, v.rule, v.about) for v in found] == [("idToken", "required", {"property": "idToken"})]
