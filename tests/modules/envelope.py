"""What every answer of an OCPI route must have."""

import re
from typing import Any

import httpx


def enveloped(answer: httpx.Response) -> dict[str, Any]:
    """The answer's document, after a look at what every answer must have."""
    document: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.headers["x-correlation-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", document["timestamp"])
    assert isinstance(document["status_code"], int)
    assert "detail" not in document
    return document
