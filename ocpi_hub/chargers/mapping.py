"""The words of OCPP in the words of OCPI, and back: statuses, tokens, verdicts, outcomes, ids, places.

Pure: tables and functions over values. No database, no clock, no version of OCPP.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge_ocpp.port import AuthStatus, ConnectorStatus, OutcomeStatus, Sample

NOT_AVAILABLE = "#NA"
"""What a required string says where the data cannot exist (transport_and_format, "Not available")."""

# --- statuses ------------------------------------------------------------------------------------------------

_IN_USE = frozenset(
    {
        ConnectorStatus.PREPARING,
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
        ConnectorStatus.FINISHING,
        ConnectorStatus.OCCUPIED,
    }
)


def evse_status(connectors: Iterable[ConnectorStatus], *, online: bool, whole: ConnectorStatus | None = None) -> str:
    """The OCPI status of an EVSE (mod_locations, Status) from its connectors and the charger as a `whole`.

    A charger that is offline, or that never said anything, is UNKNOWN. Whatever has a car or a driver at it is "in
    use", CHARGING, from the plugged cable to the cable taken away: so the same car looks the same whether its charger
    has six words for it or one (Occupied). BLOCKED, "a physical barrier", is something no charger can see. One EVSE
    charges one car, so one connector in use, or reserved, takes the EVSE; one that is free offers it.
    """
    known = set(connectors)
    if not online:
        return "UNKNOWN"
    if known & _IN_USE:
        return "CHARGING"
    if whole is ConnectorStatus.FAULTED:
        return "OUTOFORDER"
    if whole is ConnectorStatus.UNAVAILABLE:
        return "INOPERATIVE"
    for status, word in _IDLE_WORDS:
        if status in known:
            return word
    return "UNKNOWN"


_IDLE_WORDS = (
    (ConnectorStatus.RESERVED, "RESERVED"),
    (ConnectorStatus.AVAILABLE, "AVAILABLE"),
    (ConnectorStatus.FAULTED, "OUTOFORDER"),
    (ConnectorStatus.UNAVAILABLE, "INOPERATIVE"),
)

# --- tokens --------------------------------------------------------------------------------------------------

_ID_TOKEN_TYPES = {"RFID": "ISO14443", "APP_USER": "Central", "AD_HOC_USER": "Central", "OTHER": "Central"}
_TOKEN_TYPES = {
    "Central": "APP_USER",
    "DirectPayment": "AD_HOC_USER",
    "eMAID": "OTHER",
    "MacAddress": "OTHER",
    "NoAuthorization": "OTHER",
}
LONGEST_ID_TOKEN = 20
"""What every version of OCPP can carry: an idTag of 1.6 has 20 characters."""


def id_token_type(token_type: str) -> str:
    """OCPP's IdTokenEnumType for an OCPI TokenType: what a server made up is `Central`."""
    return _ID_TOKEN_TYPES.get(token_type, "Central")


def token_type(id_token_type: str) -> str:
    """The likeliest OCPI TokenType for what a charger read; everything read from a card is RFID."""
    return _TOKEN_TYPES.get(id_token_type, "RFID")


def id_token_of(uid: str) -> str:
    """The token as chargers can carry it: the uid itself, or a stable short name for one longer than 20 characters."""
    if len(uid) <= LONGEST_ID_TOKEN:
        return uid
    return base64.b32encode(hashlib.sha256(uid.casefold().encode()).digest()).decode()[:LONGEST_ID_TOKEN]


def cdr_token_of(token: Mapping[str, Any]) -> dict[str, Any]:
    """The CdrToken (mod_cdrs) of a Token document."""
    return {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


# --- verdicts and outcomes -----------------------------------------------------------------------------------

_VERDICTS = {
    "ALLOWED": AuthStatus.ACCEPTED,
    "BLOCKED": AuthStatus.BLOCKED,
    "EXPIRED": AuthStatus.EXPIRED,
    "NO_CREDIT": AuthStatus.NO_CREDIT,
    "NOT_ALLOWED": AuthStatus.NOT_AT_THIS_LOCATION,
}


def verdict_of(allowed: str) -> AuthStatus:
    """The answer to the charger for an AllowedType (mod_tokens). An unknown word is no permission."""
    return _VERDICTS.get(allowed, AuthStatus.INVALID)


_RESULTS = {
    OutcomeStatus.ACCEPTED: "ACCEPTED",
    OutcomeStatus.SCHEDULED: "ACCEPTED",
    OutcomeStatus.VERSION_MISMATCH: "FAILED",
    OutcomeStatus.REJECTED: "REJECTED",
    OutcomeStatus.TOO_EARLY: "REJECTED",
    OutcomeStatus.NOT_SUPPORTED: "NOT_SUPPORTED",
    OutcomeStatus.OCCUPIED: "EVSE_OCCUPIED",
    OutcomeStatus.FAULTED: "EVSE_INOPERATIVE",
    OutcomeStatus.UNAVAILABLE: "EVSE_INOPERATIVE",
    OutcomeStatus.UNKNOWN_TRANSACTION: "FAILED",
    OutcomeStatus.UNKNOWN_RESERVATION: "UNKNOWN_RESERVATION",
    OutcomeStatus.UNKNOWN_PROFILE: "FAILED",
    OutcomeStatus.UNKNOWN: "FAILED",
    OutcomeStatus.OFFLINE: "EVSE_INOPERATIVE",
    OutcomeStatus.TIMEOUT: "TIMEOUT",
    OutcomeStatus.FAILED: "FAILED",
    OutcomeStatus.INVALID: "FAILED",
}


def command_result(status: OutcomeStatus) -> str:
    """The CommandResultType (mod_commands) for how asking the charger ended.

    OFFLINE is EVSE_INOPERATIVE and not TIMEOUT: nothing reached the charger, so nothing can still happen.
    """
    return _RESULTS[status]


# --- ids -----------------------------------------------------------------------------------------------------


def cdr_id(session_id: str, number: int) -> str:
    """The id of a session's CDR number 1, 2, …: the session's own, then with `-2`, `-3` (at most 36 characters)."""
    return session_id if number == 1 else f"{session_id[: 35 - len(str(number))]}-{number}"


def credit_id(cdr: str) -> str:
    """The id of the Credit CDR of a CDR (mod_cdrs, "Credit CDRs"): `-C` appended, at most 39 characters."""
    return f"{cdr[:37]}-C"


def evse_id_of(*, country_code: str, party_id: str, uid: str) -> str:
    """An EVSE ID in the eMI3 form `NL*CPO*E…` for an EVSE that was given none; every CDR must name one."""
    outlet = "".join(character for character in uid.upper() if character.isascii() and character.isalnum())
    return f"{country_code}*{party_id}*E{outlet[:30]}".upper()


# --- places --------------------------------------------------------------------------------------------------

_FROM_LOCATION = {"id": 36, "name": 255, "address": 45, "city": 45, "postal_code": 10, "state": 20, "country": 3}


def cdr_location(location: Mapping[str, Any], evse: Mapping[str, Any], connector: Mapping[str, Any]) -> dict[str, Any]:
    """The CdrLocation (mod_cdrs) of one connector: only what is relevant, cut to its shorter lengths."""
    place: dict[str, Any] = {
        name: str(location[name])[:longest]
        for name, longest in _FROM_LOCATION.items()
        if location.get(name) is not None
    }
    return place | {
        "coordinates": {name: location["coordinates"][name] for name in ("latitude", "longitude")},
        "evse_uid": evse["uid"],
        "evse_id": evse.get("evse_id")
        or evse_id_of(country_code=location["country_code"], party_id=location["party_id"], uid=evse["uid"]),
        "connector_id": connector["id"],
        "connector_standard": connector["standard"],
        "connector_format": connector["format"],
        "connector_power_type": connector["power_type"],
    }


def reserved_location(location: Mapping[str, Any]) -> dict[str, Any]:
    """The CdrLocation of a reservation that has no EVSE yet: #NA, and "any value" for what describes a connector."""
    nothing = {"uid": NOT_AVAILABLE, "evse_id": NOT_AVAILABLE}
    anything = {"standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE"}
    return cdr_location(location, nothing, {"id": NOT_AVAILABLE, **anything})


# --- quantities ----------------------------------------------------------------------------------------------

_FOUR_DECIMALS = Decimal("0.0001")


def four_decimals(value: Decimal) -> Decimal:
    """An OCPI number (types.asciidoc): 4 decimals, half away from zero, without trailing zeros."""
    rounded = value.quantize(_FOUR_DECIMALS, ROUND_HALF_UP)
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded.normalize()


def kwh(energy_wh: Decimal) -> Decimal:
    """Wh as kWh."""
    return four_decimals(energy_wh / 1000)


# --- signed meter values -------------------------------------------------------------------------------------

_NATURES = {"Transaction.Begin": "Start", "Transaction.End": "End"}
_LONGEST_SIGNED = 5000
_LONGEST_KEY = 512


def signed_data(samples: Sequence[Sample]) -> dict[str, Any] | None:
    """The SignedData (mod_cdrs) of a transaction, or None. What was signed stands byte for byte as it came.

    `plain_data` is the text inside where the value is base64 of a text, else the value itself. A value over OCPI's 5000
    characters cannot be sent whole and is left out: half a signature proves nothing.
    """
    signed = [sample for sample in samples if sample.signed and sample.signed.get("signedMeterData")]
    values = [
        {"nature": _NATURES.get(sample.context, "Intermediate"), "plain_data": plain, "signed_data": data}
        for sample in signed
        for data in [str(sample.signed["signedMeterData"])]  # type: ignore[index]
        for plain in [_plain(data)]
        if max(len(data), len(plain)) <= _LONGEST_SIGNED
    ]
    if not values:
        return None
    about = signed[-1].signed or {}
    method = str(about.get("encodingMethod") or _encoding_seen(values[0]["plain_data"]))
    document: dict[str, Any] = {"encoding_method": method[:36], "signed_values": values}
    key = next((str(s.signed["publicKey"]) for s in signed if s.signed and s.signed.get("publicKey")), "")
    if 0 < len(key) <= _LONGEST_KEY:
        document["public_key"] = key
    return document


def _encoding_seen(plain: str) -> str:
    return "OCMF" if plain.startswith("OCMF|") else "unknown"


def _plain(data: str) -> str:
    try:
        text = base64.b64decode(data, validate=True).decode("utf-8")
    except ValueError:
        return data
    return text if all(character.isprintable() or character in "\r\n\t" for character in text) else data
