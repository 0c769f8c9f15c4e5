"""Commands of partners to our own chargers (mod_commands, RECEIVER): the answer at once, the charger's comes later."""

from typing import Any

from fastapi import APIRouter

from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.commands import Asked, accept
from ocpi_hub.modules.asking import CallerDep, CorrelationDep, DocumentDep, ResourcesDep, RoutingDep, WorkDep, answer
from ocpi_hub.partners.directory import Caller
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import Role


def receiver() -> APIRouter:
    """POST /{command}: to be mounted where the RECEIVER interface of commands is."""
    router = APIRouter()

    @router.post("/{command}")
    async def take_command(
        command: str,
        document: DocumentDep,
        caller: CallerDep,
        routing: RoutingDep,
        correlation_id: CorrelationDep,
        resources: ResourcesDep,
        db: WorkDep,
    ) -> Any:
        asked = Asked(
            type=_command(command),
            body=document,
            platform_id=caller.platform.id,
            from_party=_sender(caller, routing),
            to_party=addressed(resources, routing),
            correlation_id=correlation_id,
        )
        return answer(resources, await accept(resources, asked, db))

    return router


def _command(name: str) -> CommandType:
    try:
        return CommandType(name)
    except ValueError:
        raise InvalidParameters(f"there is no command {name[:50]}") from None


def addressed(resources: Resources, routing: Routing) -> PartyId | None:
    """Our party that OCPI-to names; None where it names nobody or the hub: then the content decides."""
    settings = resources.settings
    hub = PartyId(settings.country_code, settings.party_id)
    return None if routing.to == hub else routing.to


def _sender(caller: Caller, routing: Routing) -> PartyId:
    """The party that commands: the one in OCPI-from, else the platform's only eMSP. Raises InvalidParameters."""
    if routing.from_ is not None:
        return routing.from_
    parties = [entry.party for entry in caller.parties if entry.role in (Role.EMSP, Role.OTHER)]
    if len(parties) != 1:
        raise InvalidParameters("OCPI-from-party-id: say which of your parties sends the command")
    return parties[0]
