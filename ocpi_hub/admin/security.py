"""The security of the link to our chargers, for operators: passwords, certificates, security events."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from bridge_ocpp.port import (
    AuthorityRecord,
    CertificateRecord,
    ChargerPort,
    Command,
    DeleteCertificate,
    InstallCertificate,
    ListCertificates,
    Outcome,
    OutcomeStatus,
    RequestSigning,
    RotatePassword,
    SecurityBook,
    SigningState,
)
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import AdminError, Json, ResourcesDep, not_found
from ocpi_hub.admin.charger_shapes import (
    AuthorityAnswer,
    CertificateAnswer,
    CertificateDetails,
    SecurityAnswer,
    SecurityEventAnswer,
)
from ocpi_hub.base.resources import Resources

router = APIRouter(default_response_class=Json)

Pem = Annotated[str, Field(min_length=1, max_length=20_000)]
Root = Literal[
    "CSMSRootCertificate",
    "ManufacturerRootCertificate",
    "V2GRootCertificate",
    "MORootCertificate",
    "OEMRootCertificate",
]


class InstallBody(BaseModel):
    """A root certificate that a charger shall trust. Without `certificate`: that of the hub's own authority."""

    model_config = ConfigDict(extra="forbid")

    type: Root = "CSMSRootCertificate"
    certificate: Pem | None = None


class HashBody(BaseModel):
    """A certificate as the charger names it (see the list of what is installed)."""

    model_config = ConfigDict(extra="forbid")

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: str = Field(min_length=1, max_length=128)
    issuer_key_hash: str = Field(min_length=1, max_length=128)
    serial_number: str = Field(min_length=1, max_length=40)


class ApproveBody(BaseModel):
    """The chain that another authority has signed, the charger's own certificate first; absent: ours signs."""

    model_config = ConfigDict(extra="forbid")

    chain: Pem | None = None


class RenewBody(BaseModel):
    """For which certificate: the charger's own, or one towards cars (ISO 15118-2, or from OCPP 2.1 on ISO 15118-20)."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"] = "ChargingStationCertificate"


class RejectBody(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=200)


# --- asking a charger ------------------------------------------------------------------------------------------------


async def rotate_password(resources: Resources, charger_id: str) -> dict[str, Any]:
    """A new password, which nobody but the charger learns. Raises AdminError 404, 409, 502 or 504."""
    outcome = await _ask(resources, charger_id, RotatePassword())
    if outcome.status is OutcomeStatus.SCHEDULED:
        return {"id": charger_id, "status": "RebootRequired"}
    _must_be_accepted(charger_id, outcome, "the old password stays")
    return {"id": charger_id, "status": "Accepted"}


async def installed(resources: Resources, charger_id: str) -> list[Any]:
    """What the charger has installed, asked now. Raises AdminError 404, 409, 502 or 504."""
    outcome = await _ask(resources, charger_id, ListCertificates())
    _must_be_accepted(charger_id, outcome)
    return list((outcome.payload or {})["certificates"])


async def install(resources: Resources, charger_id: str, body: InstallBody) -> dict[str, Any]:
    """Have the charger trust a root. Raises AdminError 404, 409, 502 or 504."""
    certificate = body.certificate or (await authorities(resources))[0]["certificate"]
    _must_be_accepted(charger_id, await _ask(resources, charger_id, InstallCertificate(body.type, certificate)))
    return {"id": charger_id, "status": "Accepted"}


async def delete(resources: Resources, charger_id: str, body: HashBody) -> None:
    """Have the charger forget a certificate. Raises AdminError 404, 409, 502 or 504."""
    outcome = await _ask(resources, charger_id, DeleteCertificate(**body.model_dump()))
    if outcome.status is OutcomeStatus.UNKNOWN:
        raise not_found("certificate", body.serial_number)
    _must_be_accepted(charger_id, outcome)


async def renew(resources: Resources, charger_id: str, body: RenewBody) -> dict[str, Any]:
    """Ask the charger for a signing request. Raises AdminError 404, 409, 422, 502 or 504."""
    _must_be_accepted(charger_id, await _ask(resources, charger_id, RequestSigning(body.type)))
    return {"id": charger_id, "status": "Accepted"}


async def _ask(resources: Resources, charger_id: str, command: Command) -> Outcome:
    await known.charger(resources, charger_id)
    within = timedelta(seconds=resources.settings.charger_timeout)
    return await resources.get(ChargerPort).ask(charger_id, command, within=within)  # type: ignore[type-abstract]


def _must_be_accepted(charger_id: str, outcome: Outcome, so: str = "nothing was changed") -> None:
    if outcome.accepted:
        return
    if outcome.status is OutcomeStatus.OFFLINE:
        raise AdminError(409, "charger_offline", f"{charger_id} is not connected")
    if outcome.status is OutcomeStatus.TIMEOUT:
        raise AdminError(504, "no_answer", f"{charger_id} did not answer in time")
    if outcome.status is OutcomeStatus.INVALID:
        raise AdminError(422, "invalid", outcome.detail)
    if outcome.status is OutcomeStatus.NOT_SUPPORTED:
        raise AdminError(409, "not_supported", f"{charger_id} cannot do that ({outcome.detail}): {so}")
    if outcome.status is OutcomeStatus.REJECTED or outcome.error is not None or outcome.payload is not None:
        details = outcome.error or outcome.payload
        raise AdminError(409, "refused", f"{charger_id} refused ({outcome.detail}): {so}", details=details)
    raise AdminError(502, "not_asked", outcome.detail or f"{charger_id} could not be asked")


# --- certificates that chargers ask for ------------------------------------------------------------------------------


async def certificates(
    resources: Resources, *, charger: str | None = None, state: SigningState | None = None
) -> list[dict[str, Any]]:
    """Signing requests and what became of them, newest first."""
    async with resources.unit_of_work() as db:
        found = await _book(resources).certificates(db, charger_id=charger, state=state)
    await known.filtered(resources, charger, found)
    return [_short(record) for record in found]


async def certificate(resources: Resources, request_id: str) -> dict[str, Any]:
    """One, with its request and its chain. Raises AdminError 404."""
    async with resources.unit_of_work() as db:
        record = await _book(resources).certificate(request_id, db)
    if record is None:
        raise not_found("certificate", request_id)
    return _whole(record)


async def decide(resources: Resources, request_id: str, decision: str, **given: Any) -> dict[str, Any]:
    """`approve`, `reject` or `revoke`. Raises AdminError 404, or 422 for what cannot be."""
    try:
        async with resources.unit_of_work() as db:
            return _whole(await getattr(_book(resources), decision)(request_id, db, **given))
    except KeyError:
        raise not_found("certificate", request_id) from None
    except ValueError as error:
        raise AdminError(422, "invalid", str(error)) from None


async def authorities(resources: Resources) -> list[dict[str, Any]]:
    """The hub's own authorities, newest first; the first is made when there is none."""
    async with resources.unit_of_work() as db:
        found = await _book(resources).authorities(db)
    return [_authority(record) for record in found]


def _book(resources: Resources) -> SecurityBook:
    return resources.get(SecurityBook)  # type: ignore[type-abstract]


def _authority(record: AuthorityRecord) -> dict[str, Any]:
    return {
        "serial": record.serial,
        "not_before": record.not_before,
        "not_after": record.not_after,
        "certificate": record.certificate,
    }


def _short(record: CertificateRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "charger": record.charger_id,
        "type": record.kind,
        "state": record.state,
        "requested_at": record.requested_at,
        "decided_at": record.decided_at,
        "detail": record.detail,
        "serial": record.serial,
        "not_before": record.not_before,
        "not_after": record.not_after,
        "revoked_at": record.revoked_at,
    }


def _whole(record: CertificateRecord) -> dict[str, Any]:
    return _short(record) | {"csr": record.csr, "chain": record.chain}


# --- security events -------------------------------------------------------------------------------------------------


async def security_events(
    resources: Resources, charger_id: str, *, limit: int = 100, critical: bool | None = None
) -> list[dict[str, Any]]:
    """What the charger saw happen to its security, newest first. Raises AdminError 404."""
    await known.charger(resources, charger_id)
    async with resources.unit_of_work() as db:
        found = await _book(resources).security_events(charger_id, db, limit=limit, critical=critical)
    return [
        {
            "id": event.id,
            "type": event.kind,
            "critical": event.critical,
            "at": event.at,
            "said_at": event.said_at,
            "received_at": event.received_at,
            "info": event.info,
        }
        for event in found
    ]


# --- routes ----------------------------------------------------------------------------------------------------------


@router.post("/chargers/{charger_id}/rotate-password", response_model=SecurityAnswer)
async def post_rotate_password(charger_id: str, resources: ResourcesDep) -> Any:
    """A new password for a charger: it counts once the charger has accepted it, else the old one stays."""
    return Json(await rotate_password(resources, charger_id))


@router.get("/chargers/{charger_id}/security-events", response_model=list[SecurityEventAnswer])
async def get_security_events(
    charger_id: str,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    critical: bool | None = None,
) -> Any:
    """A charger's security events, newest first."""
    return Json(await security_events(resources, charger_id, limit=limit, critical=critical))


@router.get("/chargers/{charger_id}/certificates", response_model=list[dict[str, Any]])
async def get_installed(charger_id: str, resources: ResourcesDep) -> Any:
    """The root certificates that a charger has installed, asked now."""
    return Json(await installed(resources, charger_id))


@router.post("/chargers/{charger_id}/certificates", response_model=SecurityAnswer)
async def post_install(charger_id: str, body: InstallBody, resources: ResourcesDep) -> Any:
    """Have a charger trust a root certificate."""
    return Json(await install(resources, charger_id, body))


@router.post("/chargers/{charger_id}/certificates/delete", status_code=204)
async def post_delete(charger_id: str, body: HashBody, resources: ResourcesDep) -> None:
    """Have a charger forget a certificate."""
    await delete(resources, charger_id, body)


@router.post("/chargers/{charger_id}/certificates/renew", response_model=SecurityAnswer)
async def post_renew(charger_id: str, resources: ResourcesDep, body: RenewBody | None = None) -> Any:
    """Ask a charger to request a new certificate: of its own, or `{"type": "V2GCertificate"}` towards cars."""
    return Json(await renew(resources, charger_id, body or RenewBody()))


@router.get("/certificates", response_model=list[CertificateAnswer])
async def get_certificates(
    resources: ResourcesDep, charger: str | None = None, state: SigningState | None = None
) -> Any:
    """What chargers asked to be signed, newest first."""
    return Json(await certificates(resources, charger=charger, state=state))


@router.get("/certificates/authorities", response_model=list[AuthorityAnswer])
async def get_authorities(resources: ResourcesDep) -> Any:
    """The hub's own authorities, in PEM."""
    return Json(await authorities(resources))


@router.get("/certificates/{request_id}", response_model=CertificateDetails)
async def get_certificate(request_id: str, resources: ResourcesDep) -> Any:
    """One signing request with what became of it."""
    return Json(await certificate(resources, request_id))


@router.post("/certificates/{request_id}/approve", response_model=CertificateDetails)
async def post_approve(request_id: str, body: ApproveBody, resources: ResourcesDep) -> Any:
    """Send the charger a certificate: a chain that another authority signed, or one that ours signs."""
    return Json(await decide(resources, request_id, "approve", chain=body.chain))


@router.post("/certificates/{request_id}/reject", response_model=CertificateDetails)
async def post_reject(request_id: str, body: RejectBody, resources: ResourcesDep) -> Any:
    """Sign nothing."""
    return Json(await decide(resources, request_id, "reject", reason=body.reason))


@router.post("/certificates/{request_id}/revoke", response_model=CertificateDetails)
async def post_revoke(request_id: str, resources: ResourcesDep) -> Any:
    """Let the charger in with this certificate no more, from its next connection on."""
    return Json(await decide(resources, request_id, "revoke"))
