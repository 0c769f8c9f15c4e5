"""HubClientInfo (mod_hub_client_info, SENDER): the parties that a platform may talk with, and how they are connected.

A configuration module: no routing headers, asked or given. What is on the list is decided in partners/roster.py.
"""

from fastapi import APIRouter, Request, Response

from ocpi_hub.modules.asking import CallerDep, ResourcesDep, WorkDep, answer
from ocpi_hub.partners import roster
from ocpi_hub.partners.access import may_know
from ocpi_hub.wire.paging import PageQuery, next_link
from ocpi_hub.wire.parties import Role


def sender() -> APIRouter:
    """GET of the list: to be mounted where the SENDER interface of hubclientinfo is."""
    router = APIRouter(tags=["hubclientinfo"])

    @router.get("")
    async def read_clientinfos_sender(
        request: Request, caller: CallerDep, resources: ResourcesDep, db: WorkDep
    ) -> Response:
        """A page of the parties that the caller's may talk with; its own are not among them."""
        most = resources.settings.page_limit
        query = PageQuery.read(request.query_params, cap=most)
        own = frozenset(entry.role for entry in caller.parties)
        seen = [
            line
            for line in await roster.everyone(db, date_from=query.date_from, date_to=query.date_to)
            if line.platform_id != caller.platform.id and may_know(own, Role(line.role))
        ]
        headers = {"X-Total-Count": str(len(seen)), "X-Limit": str(most)}
        if query.has_next(len(seen)):
            headers["Link"] = next_link(resources.settings.api_url + request.url.path, query)
        page = seen[query.offset : query.offset + query.limit]
        return answer(resources, [roster.client_info(line) for line in page], headers=headers)

    return router
