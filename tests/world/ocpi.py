"""OCPI as a partner writes it by hand: plain dicts and headers, sharing no code with the hub."""

import base64
import contextlib
from datetime import UTC, datetime
from typing import Any

_NOTHING: Any = object()


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(data: Any = _NOTHING, *, status_code: int = 1000, message: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {"status_code": status_code, "timestamp": now()}
    if message is not None:
        answer["status_message"] = message
    if data is not _NOTHING:
        answer["data"] = data
    return answer


def encode(token: str, encoding: str = "base64") -> str:
    """The Authorization header of a partner: base64 (right), raw (older habit), newline (`echo … | base64`)."""
    if encoding == "raw":
        return f"Token {token}"
    octets = token.encode() + (b"\n" if encoding == "newline" else b"")
    return "Token " + base64.b64encode(octets).decode()


def decode(header: str, *, encodings: set[str]) -> set[str]:
    """Every token that the header may carry, given the encodings that this partner understands."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "token":
        return set()
    found = {value} if "raw" in encodings else set()
    if "base64" in encodings:
        with contextlib.suppress(ValueError):
            found.add(base64.b64decode(value, validate=True).decode())
    return found


def routing(to: str | None = None, from_: str | None = None) -> dict[str, str]:
    """The routing headers for parties written `NL/ABC`."""
    headers = {}
    for word, party in (("to", to), ("from", from_)):
        if party is not None:
            headers[f"OCPI-{word}-country-code"], headers[f"OCPI-{word}-party-id"] = party.split("/")
    return headers


def role(role_: str, country_code: str, party_id: str, name: str) -> dict[str, Any]:
    """One CredentialsRole."""
    details = {"name": name}
    return {"role": role_, "country_code": country_code, "party_id": party_id, "business_details": details}
