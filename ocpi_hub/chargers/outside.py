"""What chargers need to know of the world (bridge_ocpp.port.Outside): OCSP responders, and services of the operator's.

A URL that a charger names is fetched without any secret; the operator's services are asked with their token.
"""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError

from bridge_ocpp.port import (
    BAD_ANSWER,
    NO_ANSWER,
    NOT_CONFIGURED,
    ContractAnswer,
    ContractWanted,
    NotServed,
    VatAnswer,
)
from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.client.fetching import Failed, Fetched, Fetcher
from ocpi_hub.wire import json as wire_json

LONGEST_ANSWER = 256 * 1024

A = TypeVar("A", bound=BaseModel)


class ContractBody(BaseModel):
    """What the provider of contract certificates answers; unknown fields are let be."""

    status: Literal["Accepted", "Failed"]
    exiResponse: str = ""
    remainingContracts: int | None = Field(None, ge=0, le=2**31 - 1)
    reason: str = ""


class CompanyBody(BaseModel):
    """Whom a VAT number belongs to (OCPP 2.1, AddressType)."""

    name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    postalCode: str | None = None
    country: str | None = None


class VatBody(BaseModel):
    """What the service that knows VAT numbers answers."""

    status: Literal["Accepted", "Rejected"]
    company: CompanyBody | None = None
    reason: str = ""


class HubOutside:
    """Implements bridge_ocpp.port.Outside."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def fetch(self, url: str, *, body: bytes | None, content_type: str, limit: int) -> bytes:
        headers = {} if body is None else {"Content-Type": content_type}
        found = await self._asked("GET" if body is None else "POST", url, body, headers, limit=limit, secret=False)
        return found.body

    async def contract(self, wanted: ContractWanted) -> ContractAnswer:
        settings = self._resources.settings
        if settings.contract_certificates_url is None:
            raise NotServed(NOT_CONFIGURED, "this hub is connected to no provider of contract certificates")
        document: dict[str, Any] = {
            "charger": wanted.charger_id,
            "iso15118SchemaVersion": wanted.schema_version,
            "action": wanted.action,
            "exiRequest": wanted.exi_request,
        }
        if wanted.most_chains is not None:
            document["maximumContractCertificateChains"] = wanted.most_chains
        if wanted.emaids:
            document["prioritizedEMAIDs"] = list(wanted.emaids)
        url, token = settings.contract_certificates_url, settings.contract_certificates_token
        said = await self._service(url, token, document, ContractBody)
        if said.status == "Accepted" and not said.exiResponse:
            raise NotServed(BAD_ANSWER, "the service's answer has no exiResponse")
        return ContractAnswer(said.status == "Accepted", said.exiResponse, said.remainingContracts, said.reason)

    async def vat_number(self, charger_id: str, number: str) -> VatAnswer:
        settings = self._resources.settings
        if settings.vat_numbers_url is None:
            raise NotServed(NOT_CONFIGURED, "this hub is connected to no service that knows VAT numbers")
        document = {"charger": charger_id, "vatNumber": number}
        said = await self._service(settings.vat_numbers_url, settings.vat_numbers_token, document, VatBody)
        company = said.company.model_dump(exclude_none=True) if said.company else None
        return VatAnswer(said.status == "Accepted", company, said.reason)

    async def _service(self, url: str, token: SecretStr | None, document: dict[str, Any], kind: type[A]) -> A:
        """One of the operator's services: JSON to and fro. Raises NotServed."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        body = wire_json.dumps(document).encode()
        found = await self._asked("POST", url, body, headers, limit=LONGEST_ANSWER, secret=True)
        try:
            return kind.model_validate_json(found.body)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "its JSON"
            raise NotServed(BAD_ANSWER, f"the service's answer is wrong at {where}") from None

    async def _asked(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], *, limit: int, secret: bool
    ) -> Fetched:
        fetcher = self._resources.one(Fetcher)
        try:
            found = await fetcher.fetch(method, url, body=body, headers=headers, limit=limit, secret=secret)
        except Failed as error:
            raise NotServed(NO_ANSWER, str(error)) from None
        if not 200 <= found.status < 300:
            raise NotServed(NO_ANSWER, f"the answer was HTTP {found.status}")
        return found
