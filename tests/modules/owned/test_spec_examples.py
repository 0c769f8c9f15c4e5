"""The specification's own examples, put through the router as they stand and read back equal, digit by digit."""

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from ocpi_hub.wire import json as wire_json
from tests.modules.owned.talking import data, registered, said
from tests.world.hub import Hub
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

EXAMPLES = Path(__file__).parents[2] / "spec_examples"
# These lack fields that the specification itself requires; tests/wire says which.
BROKEN = {"tariff_put_example", "location_put_example_add_evse"}
WHOLE = sorted(
    path.stem
    for pattern in ("location_example*", "tariff_[0-9]*", "session_example*", "token_*", "cdr_example")
    for path in EXAMPLES.glob(f"{pattern}.json")
    if "patch" not in path.stem and path.stem not in BROKEN
)


def digits(value: Any) -> Any:
    """Numbers as their digits, so that 1.10 is not 1.1."""
    if isinstance(value, dict):
        return {name: digits(one) for name, one in value.items()}
    if isinstance(value, list):
        return [digits(one) for one in value]
    return value if isinstance(value, str | bool | None) else str(value)


def owner_of(hub: Hub, document: Any) -> AbstractAsyncContextManager[Partner]:
    """The partner whose party the example names."""
    role = "EMSP" if "uid" in document else "CPO"
    return registered(hub, (role, document["country_code"], document["party_id"]))


@pytest.mark.parametrize("name", WHOLE)
async def test_it_comes_back_as_it_was_sent(hub: Hub, name: str) -> None:
    raw = (EXAMPLES / f"{name}.json").read_text()
    sent = json.loads(raw)
    module = name.split("_")[0] + "s"
    async with owner_of(hub, sent) as owner:
        where = f"{sent['country_code']}/{sent['party_id']}/{sent.get('id') or sent['uid']}"
        if module == "cdrs":
            answer = await owner.call("POST", module, "", content=raw)
            where = answer.headers["Location"].partition("/receiver/cdrs/")[2]
        else:
            query = f"?type={sent['type']}" if module == "tokens" else ""
            answer = await owner.call("PUT", module, where + query, content=raw)
            where += query
        assert said(answer) == (201, 1000), answer.text
        back = await owner.get(module, where, role="RECEIVER")
        assert digits(wire_json.loads(back.content)["data"]) == digits(wire_json.loads(raw))


@pytest.mark.parametrize("name", ["tariff_put_example"])
async def test_one_that_lacks_a_field_is_refused_with_its_name(hub: Hub, name: str) -> None:
    sent = json.loads((EXAMPLES / f"{name}.json").read_text())
    async with owner_of(hub, sent) as owner:
        answer = await owner.put("tariffs", f"{sent['country_code']}/{sent['party_id']}/{sent['id']}", sent)
        assert said(answer) == (200, 2001)
        assert answer.json()["status_message"] == "last_updated: is required"


async def test_the_sessions_patches(hub: Hub) -> None:
    session = json.loads((EXAMPLES / "session_example_1_simple_start.json").read_text())
    async with owner_of(hub, session) as cpo:
        where = f"{session['country_code']}/{session['party_id']}/{session['id']}"
        assert said(await cpo.put("sessions", where, session)) == (201, 1000)
        for name in ("total_cost", "charging_period"):
            changes = json.loads((EXAMPLES / f"session_patch_example_{name}.json").read_text())
            assert said(await cpo.patch("sessions", where, changes)) == (200, 1000)
        expected = session | changes
        expected["charging_periods"] = session.get("charging_periods", []) + changes["charging_periods"]
        assert data(await cpo.get("sessions", where, role="RECEIVER")) == expected
