"""HubClientInfo (mod_hub_client_info, SENDER): the parties that a platform may talk with, and how they are connected.

A configuration module: no routing headers, asked or given. What is on the list is decided in partners/roster.py.
"""

from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Request, Response

from ocpi_hub.modules.asking import CallerDep, ResourcesDep, WorkDep, answer
from ocpi_hub.partners import roster
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.roster import Looker
from ocpi_hub.wire.paging import PageQuery, next_link
from ocpi_hub.wire.parties import ClientInfo


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
        agreed = (await resources.one(Directory).now()).agreed
        looker = Looker(caller.platform.id, frozenset((one.party, one.role) for one in caller.parties), agreed)
        seen = list(_within(query, filter(None, map(looker.sees, await roster.everyone(db)))))
        headers = {"X-Total-Count": str(len(seen)), "X-Limit": str(most)}
        if query.has_next(len(seen)):
            headers["Link"] = next_link(resources.settings.api_url + request.url.path, query)
        return answer(resources, seen[query.offset : query.offset + query.limit], headers=headers)

    return router


def _within(query: PageQuery, lines: Iterable[ClientInfo]) -> Iterator[ClientInfo]:
    """Lines last updated from `date_from` on and before `date_to`."""
    for line in lines:
        late_enough = query.date_from is None or line.last_updated >= query.date_from
        if late_enough and (query.date_to is None or line.last_updated < query.date_to):
            yield line
