"""The credentials module (credentials.asciidoc): how a platform registers with us, updates, and leaves.

No transaction is open while a partner is called back: handshake.py opens its own when all is known.
"""

from fastapi import APIRouter, Response

from ocpi_hub.modules.asking import BodyDep, CallerDep, ResourcesDep, answer, read_document, read_model, takes
from ocpi_hub.partners import handshake
from ocpi_hub.wire.parties import Credentials


def router(version: str) -> APIRouter:
    """GET, POST, PUT and DELETE of one version's credentials."""
    routes = APIRouter(tags=["credentials"])

    @routes.get("")
    async def get_credentials(resources: ResourcesDep, caller: CallerDep) -> Response:
        """Our credentials for the caller, with the token that it presented: we keep no other copy."""
        return answer(resources, handshake.our_credentials(resources, caller.presented_token))

    @routes.post("", openapi_extra=takes(Credentials))
    async def post_credentials(resources: ResourcesDep, caller: CallerDep, body: BodyDep) -> Response:
        """Register: the caller's credentials for ours."""
        handshake.only_invited(caller)
        theirs = read_model(Credentials, read_document(body))
        return answer(resources, await handshake.receive(resources, caller, theirs, version=version))

    @routes.put("", openapi_extra=takes(Credentials))
    async def put_credentials(resources: ResourcesDep, caller: CallerDep, body: BodyDep) -> Response:
        """Update: new credentials both ways, endpoints read again."""
        handshake.only_registered(caller)
        theirs = read_model(Credentials, read_document(body))
        return answer(resources, await handshake.receive(resources, caller, theirs, version=version))

    @routes.delete("")
    async def delete_credentials(resources: ResourcesDep, caller: CallerDep) -> Response:
        """Unregister."""
        handshake.only_registered(caller)
        await handshake.unregister(resources, caller)
        return answer(resources)

    return routes
