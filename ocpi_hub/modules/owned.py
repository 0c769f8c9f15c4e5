"""The OCPI face of every client-owned object, once: `sender(kind)` and `receiver(kind)` are built from a Kind.

A body is parsed once, by our own reader, and kept as it came; keeping and telling is delivery/publish.py. What a party
of our own chargers alone is told, which can only be Tokens, chargers/told.py keeps.
"""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, unquote

from fastapi import APIRouter, Response

from ocpi_hub.chargers import told
from ocpi_hub.clearing import passing, receiving
from ocpi_hub.clearing.receiving import Refusal
from ocpi_hub.delivery import publish
from ocpi_hub.delivery.publish import Written
from ocpi_hub.modules import describing
from ocpi_hub.modules.asking import Heard, answer
from ocpi_hub.modules.manners import given, taken
from ocpi_hub.modules.sight import addressed, sight
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.objects.patch import find_child, require_same
from ocpi_hub.partners.ends import serves
from ocpi_hub.wire.envelope import Raw
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import loads
from ocpi_hub.wire.paging import PageQuery, cursor, next_link, read_cursor
from ocpi_hub.wire.parties import InterfaceRole


def sender(kind: Kind) -> APIRouter:
    """What all parties of the hub offer, to be asked for: the list and, for some kinds, one object by its id."""
    router, asked = APIRouter(tags=[kind.module.value], route_class=describing.Direct), _Sender(kind)
    describing.add(router, kind, "GET", asked.get_list, interface="sender")
    for depth in range(len(kind.children) + 1 if kind.by_id else 0):
        describing.add(router, kind, "GET", asked.get_object, interface="sender", depth=depth)
    return router


def receiver(kind: Kind) -> APIRouter:
    """What the hub is told by the owners of objects, and what it has kept of that."""
    router, kept = APIRouter(tags=[kind.module.value], route_class=describing.Direct), _Receiver(kind)
    if "POST" in kind.verbs:
        describing.add(router, kind, "POST", kept.post, interface="receiver")
    by_id = {"GET": kept.get, "PUT": kept.put, "PATCH": kept.patch, "DELETE": kept.delete}
    for depth in range(len(kind.children) + 1):
        for verb in sorted(kind.verbs & by_id.keys()):
            describing.add(router, kind, verb, by_id[verb], interface="receiver", depth=depth)
    return router


@dataclass(frozen=True, slots=True)
class Named:
    """What a URL names: ids from the object down to its child and, for a token, the type beside its uid."""

    owner: tuple[str, str]
    ids: tuple[str, ...]
    token_type: str | None

    @classmethod
    def read(cls, heard: Heard) -> Self:
        parts = dict(heard.request.path_params)
        owner = (parts.pop("country_code", ""), parts.pop("party_id", ""))
        return cls(owner, tuple(parts.values()), heard.request.query_params.get("type") or None)


class _Sender:
    """The SENDER interface of one kind (transport_and_format, Client Owned Object Pull)."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    async def get_list(self, heard: Heard) -> Response:
        """A page of everything that the caller may see; the next link goes on where this page ended."""
        resources, params = heard.resources, heard.request.query_params
        most = resources.settings.page_limit
        query = PageQuery.read(params, cap=most)
        if self.kind.dated and query.date_from is None:
            raise InvalidParameters("date_from: is required")
        after = read_cursor(params.get("cursor"))
        seen = await sight(self.kind, heard.caller, heard.routing, resources)
        page = await reading.page(resources.alone, self.kind, query=query, sight=seen, after=after)
        headers = {"X-Total-Count": str(page.total), "X-Limit": str(most)}
        if page.last is not None:
            headers["Link"] = next_link(_url(heard), query, filters={"cursor": cursor(page.last)})
        return answer(resources, given(self.kind, page.documents, heard.caller), headers=headers)

    async def get_object(self, heard: Heard) -> Response:
        """One object or its child. A sender's URL names no owner: OCPI-to does where several have this id."""
        named, resources = Named.read(heard), heard.resources
        seen = await sight(self.kind, heard.caller, heard.routing, resources)
        async with resources.unit_of_work() as db:
            found = await reading.find(db, self.kind, named.ids[0], sight=seen)
        if len(found) > 1:
            raise InvalidParameters(f"several parties have a {self.kind.name} with this id: name one by OCPI-to")
        return answer(resources, _part(self.kind, found[0].document if found else None, named.ids[1:]))


class _Receiver:
    """The RECEIVER interface of one kind (transport_and_format, Client Owned Object Push)."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    async def get(self, heard: Heard) -> Response:
        """The object as it is kept, for its owner."""
        named = Named.read(heard)
        owner, ours = self._owner(heard, named), await addressed(heard.routing, heard.resources)
        # The id in a Location header is encoded twice, see _location.
        object_id = unquote(named.ids[0]) if self.kind.immutable else named.ids[0]
        async with heard.resources.unit_of_work() as db:
            if ours is not None:
                token = await told.get(db, ours, owner=owner, uid=object_id, token_type=named.token_type)
                return answer(heard.resources, _part(self.kind, token, ()))
            kept = await reading.get(db, self.kind, owner=owner, object_id=object_id, token_type=named.token_type)
            text = kept.document if kept is not None else None
            if text is None and self.kind.immutable:
                text = await passing.kept_back(db, owner, object_id)
        return answer(heard.resources, _part(self.kind, text, named.ids[1:]))

    async def put(self, heard: Heard) -> Response:
        """Keep a whole object, or a whole EVSE or Connector of a Location that is known."""
        named = Named.read(heard)
        document, owner = await taken(self.kind, heard, depth=len(named.ids) - 1), self._owner(heard, named)
        ours = await addressed(heard.routing, heard.resources)
        if len(named.ids) == 1:
            # Without ?type= the body says what type of token it is: many platforms leave it out for app users too.
            names = {self.kind.key_field: named.ids[0]} | ({"type": named.token_type} if named.token_type else {})
            require_same(document, names)
        if ours is None and len(named.ids) == 1:
            written = await publish.put_alone(
                heard.resources, self.kind, owner=owner, document=document, **heard.origin
            )
            return answer(heard.resources, http_status=_status(written))
        async with heard.resources.unit_of_work() as db:
            if ours is not None:
                new = await told.put(db, ours, document, _source(heard, owner))
                return answer(heard.resources, http_status=201 if new else 200)
            written = await publish.put_child(
                db, self.kind, owner=owner, ids=named.ids, document=document, **heard.origin
            )
        return answer(heard.resources, http_status=_status(written))

    async def patch(self, heard: Heard) -> Response:
        """Merge changes into an object, or into its EVSE or Connector."""
        named = Named.read(heard)
        changes, ids = await taken(self.kind, heard, depth=len(named.ids) - 1), named.ids
        owner, ours = self._owner(heard, named), await addressed(heard.routing, heard.resources)
        type_ = named.token_type
        async with heard.resources.unit_of_work() as db:
            if ours is not None:
                await told.patch(db, ours, ids[0], changes, _source(heard, owner), token_type=type_)
            else:
                await publish.patch(
                    db, self.kind, owner=owner, ids=ids, changes=changes, token_type=type_, **heard.origin
                )
        return answer(heard.resources)

    async def delete(self, heard: Heard) -> Response:
        """Forget an object."""
        named = Named.read(heard)
        owner = self._owner(heard, named)
        async with heard.resources.unit_of_work() as db:
            removed = await publish.remove(db, self.kind, owner=owner, object_id=named.ids[0], **heard.origin)
        if removed is None:
            raise self.kind.not_found()
        return answer(heard.resources)

    async def post(self, heard: Heard) -> Response:
        """Keep an object for good, and say where it can be read again (mod_cdrs, POST Method).

        It is audited first. A refusal is on record too, so it is raised after the transaction.
        """
        document, resources = await taken(self.kind, heard), heard.resources
        owner = self._own(heard, self.kind.owner_of(document))
        if owner is None:
            raise InvalidParameters("country_code, party_id: is not a party of your platform")
        async with resources.unit_of_work() as db:
            written = await receiving.receive(
                db,
                resources,
                self.kind,
                owner=owner,
                document=document,
                source=heard.caller.platform.id,
                correlation_id=heard.correlation_id,
            )
        if isinstance(written, Refusal):
            raise InvalidParameters(written.reason)
        location = f"{_url(heard)}/{_location(written)}"
        return answer(resources, http_status=_status(written), headers={"Location": location})

    def _owner(self, heard: Heard, named: Named) -> PartyId:
        """The owner in the URL, as it registered itself. Raises NotFound when it is not the caller's to speak for
        (transport_and_format, Errors: "blocking client access to objects that do not belong to them")."""
        try:
            party = PartyId(*named.owner)
        except InvalidParameters:
            raise self.kind.not_found() from None
        owner = self._own(heard, party)
        if owner is None:
            raise self.kind.not_found()
        return owner

    def _own(self, heard: Heard, party: PartyId) -> PartyId | None:
        """The party if the caller's platform speaks for it. Raises InvalidParameters when it does not own such objects,
        or when another party of the platform is named in OCPI-from."""
        entries = [entry for entry in heard.caller.parties if entry.party == party]
        if not entries:
            return None
        if not any(serves(entry.role, self.kind.module, InterfaceRole.SENDER) for entry in entries):
            raise InvalidParameters(f"country_code, party_id: {party} is not registered as {self.kind.owner.value}")
        from_ = heard.routing.from_
        if from_ is not None and from_ != party:
            raise InvalidParameters(f"OCPI-from-country-code, OCPI-from-party-id: the owner is {party}")
        return entries[0].party


def _source(heard: Heard, owner: PartyId) -> told.Source:
    return told.Source(owner, heard.caller.platform.id, heard.resources.clock())


def _part(kind: Kind, document: str | None, ids: tuple[str, ...]) -> Any:
    """The document, or the child of it that `ids` name. Raises NotFound when either is missing."""
    if document is None:
        raise kind.not_found()
    if not ids:
        return Raw(document)
    child = find_child(loads(document), kind.children, ids)
    if child is None:
        raise kind.not_found()
    return child


def _status(written: Written) -> int:
    return 201 if written.created else 200


def _url(heard: Heard) -> str:
    """This request's URL as partners reach it, without its query."""
    return heard.resources.settings.api_url + quote(heard.request.url.path.rstrip("/"))


def _location(written: Written) -> str:
    """The path of a kept object under its endpoint. Encoded twice: an id may contain a slash, and in a URL even an
    encoded slash ends a segment for many servers and proxies, ours included."""
    names = (written.owner.country_code, written.owner.party_id, quote(written.object_id, safe=""))
    return "/".join(quote(name, safe="") for name in names)
