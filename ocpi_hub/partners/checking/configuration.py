"""Checks of the configuration modules: versions, details, credentials, tokens, and what every answer must have."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from ocpi_hub.dialects.speaking import slash_learned, unwrapped, with_slash
from ocpi_hub.partners.checking.asking import Asker, Reply
from ocpi_hub.partners.checking.findings import (
    CLIENTS,
    CREDENTIALS,
    DETAILS,
    ENVELOPE,
    HTTP,
    IDS,
    ROUTING,
    TIMES,
    TLS,
    TOKEN,
    VERSIONS,
    Report,
    Verdict,
)
from ocpi_hub.partners.exploring import OURS
from ocpi_hub.partners.snapshot import PartyEntry
from ocpi_hub.wire.errors import from_validation
from ocpi_hub.wire.parties import Credentials, Endpoint, Role

SKEW = timedelta(minutes=5)
_WANTED: Mapping[Role, frozenset[tuple[str, str]]] = {
    Role.CPO: frozenset(
        {("locations", "SENDER"), ("tariffs", "SENDER"), ("sessions", "SENDER"), ("cdrs", "SENDER")}
        | {("tokens", "RECEIVER"), ("commands", "RECEIVER")}
    ),
    Role.EMSP: frozenset(
        {("tokens", "SENDER"), ("commands", "SENDER"), ("locations", "RECEIVER"), ("sessions", "RECEIVER")}
        | {("cdrs", "RECEIVER"), ("tariffs", "RECEIVER")}
    ),
    Role.NSP: frozenset({("locations", "RECEIVER")}),
}
"""What a party in a role is usually reached by (terminology, typical roles)."""


async def versions(asker: Asker, report: Report, url: str) -> str | None:
    """Versions; gives the URL of the details."""
    _https(report, url)
    reply = await asker.get(url)
    listed = reply.objects if reply.ok else None
    said = ("versions are listed", f"GET versions: {reply.said}")
    if not report.judge("versions.list", VERSIONS, listed is not None, said, "nothing else can be found without it"):
        return None
    _envelope(report, asker, reply)
    _ids(report, reply)
    found = {str(one.get("version")).strip(): one.get("url") for one in listed or [] if isinstance(one, dict)}
    shared = next((version for version in OURS if version in found), None)
    names = ", ".join(sorted(found))[:100] or "nothing"
    said = (f"it speaks {shared}", f"needed {' or '.join(OURS)}, found {names}")
    report.judge("versions.shared", VERSIONS, shared is not None, said, "it has to offer one of them")
    await _tokens(asker, report, reply)
    await _slashes(asker, report, reply)
    details = found.get(shared) if shared is not None else None
    return details if isinstance(details, str) else None


async def details(asker: Asker, report: Report, url: str, parties: Sequence[PartyEntry]) -> dict[tuple[str, str], str]:
    """Version details; gives the URLs by module and role."""
    reply = await asker.get(url)
    data: Any = unwrapped(reply.answer.data) if reply.ok and reply.answer is not None else None
    listed = data.get("endpoints") if isinstance(data, dict) else None
    said = ("the endpoints are listed", f"GET {urlsplit(url).path}: {reply.said}, and no list of endpoints")
    if not report.judge("details.list", DETAILS, isinstance(listed, list), said, "modules are found through it"):
        return {}
    wrapped = reply.answer is not None and isinstance(reply.answer.data, list)
    said = ("a single object is an object", "a single object comes as a list of one")
    advice = "the hub reads it; others may not (profile: wraps_objects)"
    report.judge("details.object", ENVELOPE, not wrapped, said, advice, bad=Verdict.WARN)
    found: dict[tuple[str, str], str] = {}
    bad = []
    for one in listed or []:
        try:
            endpoint = Endpoint.model_validate(one)
            role = str(endpoint.role) if endpoint.role is not None else "without a role"
            found[(str(endpoint.identifier), role)] = endpoint.url
        except ValidationError as error:
            bad.append(from_validation(error).message)
    said = (f"{len(found)} endpoints", f"{len(bad)} endpoints cannot be read: {'; '.join(bad[:3])[:300]}")
    report.judge("details.endpoints", DETAILS, not bad, said, "they are left out", bad=Verdict.WARN)
    _offered(report, found, parties)
    return found


def _offered(report: Report, found: Mapping[tuple[str, str], str], parties: Sequence[PartyEntry]) -> None:
    there = any(module == "credentials" for module, _ in found)
    said = ("credentials is offered", "there is no credentials endpoint")
    report.judge("details.credentials", DETAILS, there, said, "registering and renewing tokens needs it")
    wanted = frozenset().union(*(_WANTED.get(entry.role, frozenset()) for entry in parties))
    missing = sorted(wanted - found.keys())
    names = ", ".join(f"{module} {role}" for module, role in missing)
    said = ("it has what its roles are usually reached by", f"it does not offer {names}")
    advice = "what others send to these gets 4000; leave it if the platform cannot do it"
    report.judge("details.modules", DETAILS, not missing, said, advice, bad=Verdict.WARN)
    informed = any(module in ("hubclientinfo", "clientinfo") and role == "RECEIVER" for module, role in found)
    said = ("it can be told who is connected", "it has no RECEIVER for hubclientinfo")
    advice = "it has to GET the list of parties from the hub instead"
    report.judge("hubclientinfo.receiver", CLIENTS, informed, said, advice, bad=Verdict.WARN)


async def credentials(asker: Asker, report: Report, url: str, parties: Sequence[PartyEntry]) -> None:
    """GET credentials: who it says that it is. The token in it stays here."""
    reply = await asker.get(url)
    said = ("credentials can be read", f"GET credentials: {reply.said}")
    if not report.judge("credentials.get", CREDENTIALS, reply.ok, said, "GET is required", bad=Verdict.WARN):
        return
    try:
        told = Credentials.model_validate(unwrapped(reply.answer.data if reply.answer else None))
    except ValidationError as error:
        report.add("credentials.valid", CREDENTIALS, Verdict.FAIL, from_validation(error).message, "correct it")
        return
    says = {(role.party.key, role.role.value) for role in told.roles}
    knows = {(entry.party.key, entry.role.value) for entry in parties}
    said = ("its parties are those that it registered", "its parties are not those that it registered here")
    advice = "it has to PUT its credentials, or `partner rotate` learns them"
    report.judge("credentials.roles", CREDENTIALS, says == knows, said, advice, bad=Verdict.WARN)


async def _tokens(asker: Asker, report: Report, reply: Reply) -> None:
    """How credentials tokens are taken, and that wrong ones are not."""
    encoded = reply if reply.encoding == "base64" else await asker.get(reply.url, encoding="base64")
    said = ("the credentials token is taken in Base64", "the credentials token is only taken raw")
    advice = "the hub sends it raw (profile: token_encoding); the specification wants Base64"
    report.judge("token.encoding", TOKEN, encoded.ok, said, advice, bad=Verdict.WARN)
    wrong = await asker.get(reply.url, token=secrets.token_urlsafe(24), encoding=reply.encoding or "base64")
    if wrong.ok:
        advice = "anybody can read, and perhaps write, what is there: it has to answer 401"
        report.add("token.wrong", TOKEN, Verdict.FAIL, "a wrong credentials token is let in", advice)
        return
    said = ("a wrong credentials token gets HTTP 401", f"a wrong credentials token gets {wrong.said}")
    refused = wrong.status in (400, 403) or (wrong.status == 200 and wrong.answer is not None)
    bad = Verdict.WARN if refused else Verdict.FAIL
    report.judge("token.wrong", TOKEN, wrong.status == 401, said, "it has to answer HTTP 401", bad=bad)


async def _slashes(asker: Asker, report: Report, reply: Reply) -> None:
    """URLs with and without a slash at the end."""
    learned = slash_learned(reply.url, reply.went)
    said = ("its URLs are used as given", f"its versions URL redirects to the same {_slash(learned)}")
    advice = "clients that do not follow redirects get nothing; the hub does"
    report.judge("urls.redirect", HTTP, learned is None, said, advice, bad=Verdict.WARN)
    path = urlsplit(reply.url).path
    other = await asker.get(with_slash(reply.url, "never" if path.endswith("/") else "always"))
    said = ("a slash at the end does not matter", f"with the slash the other way: {other.said}")
    report.judge("urls.slash", HTTP, other.ok, said, "URLs must be used exactly as given", bad=Verdict.WARN)


def _slash(learned: str | None) -> str:
    return "without a slash at its end" if learned == "never" else "with a slash at its end"


def _https(report: Report, url: str) -> None:
    said = ("https", "plain http: credentials tokens cross the network in the clear")
    report.judge("tls.https", TLS, url.lower().startswith("https:"), said, "for labs only", bad=Verdict.WARN)


def _envelope(report: Report, asker: Asker, reply: Reply) -> None:
    answer = reply.answer
    assert answer is not None
    when = answer.timestamp
    said = ("answers have a timestamp", "answers have no timestamp, or one that is no DateTime")
    if not report.judge("envelope.timestamp", ENVELOPE, when is not None, said, "it is required", bad=Verdict.WARN):
        return
    assert when is not None
    skew = abs(when - asker.resources.clock())
    said = (
        "its clock agrees with ours",
        f"its clock is {int(skew.total_seconds())} s away from ours",
    )
    advice = "times of updates are compared: set its clock, or write UTC"
    report.judge("envelope.clock", TIMES, skew <= SKEW, said, advice, bad=Verdict.WARN)


def _ids(report: Report, reply: Reply) -> None:
    for id_, name in (("headers.request_id", "X-Request-ID"), ("headers.correlation_id", "X-Correlation-ID")):
        same = reply.headers.get(name.lower(), "").strip() == reply.sent[name]
        said = (f"{name} is given back", f"{name} is not given back")
        report.judge(id_, IDS, same, said, "a message cannot be followed through its logs", bad=Verdict.WARN)


def routing(report: Report, reply: Reply, module: str) -> None:
    """The routing headers of an answer of a functional module."""
    wrong = [
        name
        for name, value in reply.sent.items()
        if name.startswith("OCPI-") and reply.headers.get(name.lower(), "").strip().lower() != value.lower()
    ]
    said = ("routing headers come back the other way round", f"missing or wrong in the answer: {', '.join(wrong)}")
    advice = "answers of functional modules have them too; the hub puts them right for others"
    report.judge("headers.routing", ROUTING, not wrong, said, advice, bad=Verdict.WARN, module=module)
