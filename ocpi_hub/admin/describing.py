"""The OpenAPI document of the admin REST: what FastAPI finds in the routes, and what it cannot know.

A summary is the first sentence of a call's docstring. Every call needs the operator's key; errors have one shape.
"""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from ocpi_hub.admin.shapes import ErrorAnswer
from ocpi_hub.wire.tariffs import Tariff

KEY = "admin key"
ABOUT = (
    "Everything that operators can do, beside the command line. Send the operator's key as "
    "`Authorization: Bearer OCPI_HUB_ADMIN_KEY`. Times are RFC 3339 in UTC, energy is Wh, numbers are exact."
)
_AMPERES = {"type": "number", "minimum": 0, "description": "A per phase; or limit_w"}
_WATTS = {"type": "number", "minimum": 0, "description": "W in all; or limit_a"}
_CHARGERS = {
    "type": "array",
    "items": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    "description": "Ids of chargers, or objects with more about one (docs/smart-charging.md)",
}
_SITE = {
    "type": "object",
    "title": "Site",
    "description": "Chargers that share a limit: limit_a or limit_w, one of them.",
    "properties": {
        "limit_a": _AMPERES,
        "limit_w": _WATTS,
        "minimum_a": {"type": "number", "description": "What a car that charges gets at least"},
        "start_a": {"type": "number", "description": "What a car may draw before it is told; at most minimum_a"},
        "voltage": {"type": "number", "description": "V between a phase and neutral"},
        "phases": {"type": "integer", "enum": [1, 3]},
        "chargers": _CHARGERS,
        "circuits": {"type": "array", "items": {"type": "object"}, "description": "Fuses inside the site"},
    },
    "required": ["chargers"],
    "additionalProperties": False,
}
BODIES: dict[str, dict[str, Any]] = {"/sites/{site_id}": _SITE, "/tariffs/{tariff_id}": {}}
"""Bodies that are read whole, with exact numbers, and so are not in the routes' signatures."""
EXAMPLES: dict[tuple[str, str], Any] = {
    ("post", "/partners"): {"name": "GreenApp", "parties": [{"country_code": "DE", "party_id": "APP", "role": "EMSP"}]},
    ("post", "/partners/connect"): {
        "name": "StationCo",
        "versions_url": "https://station.example/ocpi/versions",
        "credentials_token": "the-token-that-they-gave-you",
    },
    ("patch", "/partners/{partner}"): {"suspended": True},
    ("post", "/partners/{partner}/pull"): {"module": "locations", "full": True},
    ("post", "/partners/{partner}/replay"): {"since": "2026-03-01T00:00:00Z"},
    ("put", "/agreements/{agreement}"): {"parties": ["NL/ABC", "DE/XYZ"], "modules": ["locations", "cdrs"]},
    ("post", "/chargers"): {"id": "BOX-1", "evses": [{"evse_id": 1, "connectors": [{"standard": "IEC_62196_T2"}]}]},
    ("post", "/chargers/{charger_id}/calls"): {"action": "Reset", "payload": {"type": "Soft"}},
    ("post", "/chargers/{charger_id}/reset"): {"type": "OnIdle"},
    ("post", "/chargers/{charger_id}/availability"): {"operative": False, "evse": 1},
    ("post", "/chargers/{charger_id}/trigger"): {"message": "StatusNotification", "evse": 1},
    ("post", "/chargers/{charger_id}/unlock"): {"evse": 1},
    ("post", "/chargers/{charger_id}/variables/get"): {
        "variables": [{"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}]
    },
    ("post", "/chargers/{charger_id}/variables/set"): {
        "variables": [{"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval", "value": "120"}]
    },
    ("put", "/tokens/{uid}"): {"type": "RFID", "status": "Accepted"},
    ("put", "/sites/{site_id}"): {"limit_a": 63, "chargers": ["BOX-1", "BOX-2"], "minimum_a": 6},
    ("put", "/sites/{site_id}/external-limit"): {"limit_w": 11000, "seconds": 3600},
    ("put", "/tariffs/{tariff_id}"): {
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.35, "vat": 21.0, "step_size": 1}]}],
    },
    ("put", "/audit-policies/{cpo}/{emsp}"): {"on_warning": "pass", "on_error": "hold"},
    ("post", "/firmware"): {"location": "https://images.example/box-2.0.0.bin", "chargers": ["BOX-1"]},
    ("post", "/logs"): {"charger": "BOX-1", "kind": "diagnostics"},
}


def describe(app: FastAPI) -> None:
    """Let the app give the whole document; it is made once, when it is first asked for."""
    found = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = found()
            _complete(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    document["info"]["description"] = ABOUT
    document["servers"] = [{"url": "/admin/v1"}]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    modes = [(ErrorAnswer, "validation"), (Tariff, "validation")]
    made = models_json_schema(modes, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    for name, schema in made[1]["$defs"].items():
        schemas.setdefault(name, schema)
    BODIES["/tariffs/{tariff_id}"] = {"allOf": [{"$ref": "#/components/schemas/Tariff"}]}
    document["components"]["securitySchemes"] = {
        KEY: {"type": "http", "scheme": "bearer", "description": "The operator's key, OCPI_HUB_ADMIN_KEY"}
    }
    document["security"] = [{KEY: []}]
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            _operation(verb, path, operation)


def _operation(verb: str, path: str, operation: dict[str, Any]) -> None:
    _say(operation)
    operation["security"] = [{KEY: []}]
    if verb == "put" and path in BODIES:
        content = {"application/json": {"schema": BODIES[path]}}
        operation["requestBody"] = {"required": True, "content": content}
    if (verb, path) in EXAMPLES:
        operation["requestBody"]["content"]["application/json"]["example"] = EXAMPLES[(verb, path)]
    responses = operation["responses"]
    for status, response in responses.items():
        if status[0] == "2" and response["description"] == "Successful Response":
            response["description"] = "It is gone" if status == "204" else "The answer"
    if verb == "put" and "200" in responses and path in MAKES:
        responses["201"] = {**responses["200"], "description": "It is new"}
    errors = {"401": "The operator's key is missing or wrong", "422": "What was sent cannot be; `message` says why"}
    if "{" in path:
        errors["404"] = "There is no such thing"
    errors["default"] = "It could not be done; `message` says why"
    schema = {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}
    for status, text in errors.items():
        responses[status] = {"description": text, "content": {"application/json": schema}}


MAKES = {"/agreements/{agreement}", "/tokens/{uid}"}
"""PUT that says 201 where the thing is new."""


def _say(operation: dict[str, Any]) -> None:
    """A summary in plain words instead of a function's name; what is left of the docstring is the description."""
    text = " ".join(operation.pop("description", "").split())
    first, mark, rest = text.partition(". ")
    operation["summary"] = first.rstrip(".")
    if mark and rest:
        operation["description"] = rest
