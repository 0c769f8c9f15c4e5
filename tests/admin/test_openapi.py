"""The OpenAPI document of the admin REST: whole, in plain words, and true."""

import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from ocpi_hub.admin.api import create_admin
from ocpi_hub.admin.describing import EXAMPLES, KEY
from ocpi_hub.chargers.binding import bind
from tests.world import objects
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner

DOCUMENT = create_admin(object()).openapi()  # type: ignore[arg-type]
OPERATIONS = [
    (f"{verb.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for verb, operation in operations.items()
]
EMPTY_BODIES = {
    *("rotate", "clear-cache", "local-list", "rotate-password", "renew", "revoke", "send", "stop", "unpublish"),
    *("check", "retry", "clear"),
}
"""POSTs that need no body, by the last word of their path."""


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_is_described(name: str, operation: dict[str, Any]) -> None:
    verb, path = name.split()
    assert 4 <= len(operation["summary"]) <= 130, "a sentence"
    function = operation["operationId"].removesuffix(f"_{verb.lower()}").replace("_", " ")
    assert not function.startswith(operation["summary"].lower()), "a summary is no name of a function"
    assert operation["security"] == [{KEY: []}]
    if verb in ("PUT", "PATCH", "POST") and path.rpartition("/")[2] not in EMPTY_BODIES:
        assert meant(operation["requestBody"]["content"]["application/json"]["schema"])
    good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    assert good
    for status, answer in good.items():
        assert answer["description"] != "Successful Response"
        if status != "204":
            [(kind, content)] = answer["content"].items()
            assert kind == "application/octet-stream" or meant(content["schema"])
    for status in ("401", "422", "default", *(["404"] if "{" in path else [])):
        schema = operation["responses"][status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}
    for parameter in operation.get("parameters", ()):
        assert parameter["schema"]


def meant(schema: dict[str, Any]) -> bool:
    """Whether a schema says more than that something comes."""
    if "items" in schema:
        return meant(schema["items"])
    return bool({"$ref", "properties", "anyOf", "allOf", "additionalProperties"} & set(schema))


def test_the_key_is_a_bearer_token() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"][KEY]
    assert (scheme["type"], scheme["scheme"], DOCUMENT["security"]) == ("http", "bearer", [{KEY: []}])
    assert "HTTPValidationError" not in str(DOCUMENT)
    references = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert references <= set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize(("verb", "path"), EXAMPLES, ids=str)
def test_examples_are_what_is_taken(verb: str, path: str) -> None:
    content = DOCUMENT["paths"][path][verb]["requestBody"]["content"]["application/json"]
    assert content["example"] == EXAMPLES[(verb, path)]
    if path != "/tariffs/{tariff_id}":  # the hub fills in whose it is, its id and when it changed
        assert list(validator(content["schema"]).iter_errors(content["example"])) == []


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


@pytest.fixture
async def hub(database_url, redis_url):
    async with running_hub(database_url, redis_url) as running:
        bind(running.resources)
        yield running


async def test_answers_are_as_described(hub: Hub) -> None:
    async with Partner() as partner:
        await partner.register(hub.versions_url, await hub.invite("Partner"))
        await made(hub, partner)
        seen = 0
        for path, operations in DOCUMENT["paths"].items():
            if "get" not in operations:
                continue
            named = path
            for name, value in NAMED.items():
                named = named.replace("{" + name + "}", value)
            answer = await hub.admin("GET", named)
            if answer.status_code != 200:
                assert answer.status_code in (404, 409), f"{path}: {answer.text}"
                follow(ERROR, answer, path)
                continue
            follow(operations["get"]["responses"]["200"]["content"]["application/json"]["schema"], answer, path)
            seen += 1
        assert seen >= 30


NAMED = {
    "partner": "Partner",
    "agreement": "one",
    "charger_id": "BOX-1",
    "site_id": "S1",
    "uid": "CARD1",
    "cpo": "NL-ABC",
    "emsp": "*",
    "request_id": "1",
}
ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}


async def made(hub: Hub, partner: Partner) -> None:
    """One of each that can be made without a charger; each answer is as described, too."""
    charger = {"id": "BOX-1", "location": {k: v for k, v in objects.location().items() if k != "evses"}}
    for verb, path, shape, body in (
        ("post", "/partners", "/partners", EXAMPLES[("post", "/partners")]),
        ("put", "/agreements/one", "/agreements/{agreement}", EXAMPLES[("put", "/agreements/{agreement}")]),
        ("post", "/chargers", "/chargers", charger),
        ("put", "/tokens/CARD1", "/tokens/{uid}", EXAMPLES[("put", "/tokens/{uid}")]),
        ("put", "/tariffs/T1", "/tariffs/{tariff_id}", EXAMPLES[("put", "/tariffs/{tariff_id}")]),
        ("put", "/sites/S1", "/sites/{site_id}", {"limit_a": 63, "chargers": ["BOX-1"]}),
        ("put", "/audit-policies/NL-ABC/*", "/audit-policies/{cpo}/{emsp}", {"on_error": "hold"}),
        ("post", "/logs", "/logs", EXAMPLES[("post", "/logs")]),
        ("post", "/firmware", "/firmware", EXAMPLES[("post", "/firmware")]),
    ):
        answer = await hub.admin(verb.upper(), path, body)
        assert answer.status_code in (200, 201), f"{verb} {path}: {answer.text}"
        described = DOCUMENT["paths"][shape][verb]["responses"][str(answer.status_code)]
        follow(described["content"]["application/json"]["schema"], answer, f"{verb} {path}")


def follow(schema: dict[str, Any], answer: httpx.Response, where: str) -> None:
    wrong = [f"{list(error.instance_path)}: {error.message}" for error in validator(schema).iter_errors(answer.json())]
    assert wrong == [], f"{where}: {wrong[:3]}"
