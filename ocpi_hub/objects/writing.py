"""Keeping objects: the only writer of the kept tables, called only by delivery/publish.py.

A document is validated by its model, kept as it came, and its last_updated is its owner's: never touched here
(transport_and_format, routing). Every call raises a wire error before it has written anything.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.objects import endings, statements
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.objects.patch import Document, change_child, find_child, merge, require_last_updated, require_same
from ocpi_hub.wire.errors import InvalidParameters, from_validation
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.json import dumps, loads

_TIMES = re.compile(r'"last_updated":"[^"\\]*",?')
_OTHER = '\\"last_updated":"'  # a name that only ends like that
_TIMES_BUT_OTHERS = re.compile(r"(?<!\\)" + _TIMES.pattern)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did. `document` is the whole object as JSON text, also after the write of one EVSE.

    `created`: what the call named, the object or its child, was not there before. `changed`: its content, leaving
    timestamps out, is not what it was. `reader_key` (`cc/pid` in lower case) is the only party that may read it.
    """

    kind: Kind
    owner: PartyId
    object_id: str
    key: str
    document: str
    last_updated: datetime
    created: bool
    changed: bool
    reader_key: str | None


async def put(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    document: Document,
    source: str | None,
    at: datetime,
    withheld: bool = False,
) -> Written:
    """Keep `document` in place of what was there: all of it, an EVSE that is no longer in it is gone.

    `source` is the platform that brought it, None for our own chargers. An immutable kind (CDRs) is kept once: the
    same content again changes nothing, other content is InvalidParameters, as is what the model refuses, and what a
    Session at its end does not take (endings.py). What is `withheld` can be read by its owner only, until release().
    """
    row = row_of(kind, owner=owner, document=document, source=source, at=at)
    if withheld:
        row["reader_key"] = owner.key
    found = await statements.keep(kind).rows(db, row)
    if not found:
        return await _stays(db, kind, owner=owner, row=row)
    return written_as(kind, owner, row, replaced=found[0].replaced)


async def offer(
    db: AsyncSession, kind: Kind, *, owner: PartyId, document: Document, source: str, at: datetime
) -> Written | None:
    """Keep `document` unless what is kept was updated later: then None. Raises as put() does.

    For what a partner has on offer, when it may be older than what it has told us meanwhile.
    """
    row = row_of(kind, owner=owner, document=document, source=source, at=at)
    found = await statements.keep(kind, offered=True).rows(db, row)
    if found:
        return written_as(kind, owner, row, replaced=found[0].replaced)
    if kind.immutable:
        return await _stays(db, kind, owner=owner, row=row)
    kept = await _locked(db, kind, owner=owner, key=row["key"])
    if kept is None or kept.last_updated > row["last_updated"]:
        return None
    if endings.guards(kind):
        endings.overtaken(kept, row)
    return _written(kind, owner, kept._mapping, created=False, changed=False)


async def put_child(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    ids: tuple[str, ...],
    document: Document,
    source: str | None,
    at: datetime,
) -> Written:
    """Keep an EVSE or a Connector inside its Location: `ids` are the Location's, the EVSE's and the Connector's.

    It replaces the one with this id, or comes last, and its last_updated becomes its parents'. Raises NotFound
    when the object or a level between is not there.
    """
    child = kind.children[len(ids) - 2]
    _validate(child.model, document)
    require_same(document, {child.key_field: ids[-1]})
    kept = await _locked(db, kind, owner=owner, key=kind.object_key(ids[0]))
    if kept is None:
        raise kind.not_found()
    whole = loads(kept.document)
    created = find_child(whole, kind.children, ids[1:]) is None
    changed = change_child(whole, kind.children, ids[1:], lambda _: document)
    return await _replace(db, kind, kept, owner=owner, document=changed, source=source, at=at, created=created)


async def patch(
    db: AsyncSession,
    kind: Kind,
    *,
    owner: PartyId,
    ids: tuple[str, ...],
    changes: Document,
    source: str | None,
    at: datetime,
    token_type: str | None = None,
) -> Written:
    """Merge `changes` into the object (or its EVSE or Connector, by further ids) and keep the valid result.

    See objects/patch.py for what merging means. `token_type` belongs to a token's uid. Raises NotFound when there
    is nothing to change, InvalidParameters without last_updated or when the result is not a valid object.
    """
    require_last_updated(changes)
    kept = await _locked(db, kind, owner=owner, key=kind.object_key(ids[0], token_type))
    if kept is None:
        raise kind.not_found()
    whole = loads(kept.document)
    if len(ids) == 1:
        changed = merge(whole, changes, kind.shape)
    else:
        shape = kind.shape
        for _ in ids[1:]:
            shape = shape.below

        def change(child: Document | None) -> Document:
            if child is None:
                raise kind.not_found()
            return merge(child, changes, shape)

        changed = change_child(whole, kind.children, ids[1:], change)
    return await _replace(db, kind, kept, owner=owner, document=changed, source=source, at=at, created=False)


async def remove(
    db: AsyncSession, kind: Kind, *, owner: PartyId, object_id: str, at: datetime, token_type: str | None = None
) -> Written | None:
    """Forget an object; the last of it is returned, None when it was not there."""
    named = {"named_owner": owner.key, "named_key": kind.object_key(object_id, token_type)}
    gone = (await db.execute(statements.forget(kind), named)).mappings().one_or_none()
    return None if gone is None else _written(kind, owner, dict(gone), created=False, changed=True)


async def release(db: AsyncSession, kind: Kind, *, owner: PartyId, key: str) -> Written | None:
    """Give an object that was put `withheld` its reader; None when it is not there. Its content stays what it was."""
    kept = await _locked(db, kind, owner=owner, key=key)
    reader = kind.reader_of(loads(kept.document)) if kept is not None else None
    if kept is None or reader is None:
        return None
    if reader.key != kept.reader_key:
        moved = {"named_owner": owner.key, "old_reader": kept.reader_key, "new_reader": reader.key}
        await db.execute(statements.give(kind), {"named_pk": kept.pk, "new_reader": reader.key})
        await db.execute(statements.recount(kind), moved)
    return _written(kind, owner, {**kept._mapping, "reader_key": reader.key}, created=False, changed=True)


def digest(text: str) -> str:
    """The digest of a document's content: of its text in the order of names, without the times of its updates."""
    times = _TIMES_BUT_OTHERS if _OTHER in text else _TIMES  # the careful one takes five times as long
    return hashlib.blake2b(times.sub("", text).encode(), digest_size=16).hexdigest()


def _content(text: str) -> Any:
    """A document's content by value, without the times of its updates: 0.25 is 0.250, whoever writes it anew."""
    whole = loads(text)
    whole.pop("last_updated", None)
    return whole


def _validate(model: type[Any], document: Document) -> Any:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise from_validation(error) from None


def row_of(kind: Kind, *, owner: PartyId, document: Document, source: str | None, at: datetime) -> dict[str, Any]:
    """The columns of a document. The owner's ids are kept as the document writes them. Raises what put() raises."""
    model = _validate(kind.model, document)
    require_same(document, {"country_code": owner.country_code, "party_id": owner.party_id})
    reader = kind.reader_of(document)
    text = dumps(document, by_name=True)
    return {
        "country_code": document["country_code"],
        "party_id": document["party_id"],
        "object_id": document[kind.key_field],
        "owner_key": owner.key,
        "key": kind.object_key(document),
        "document": text,
        "digest": digest(text),
        "last_updated": model.last_updated,
        "received_at": at,
        "platform_id": source,
        "reader_key": reader.key if reader else None,
        **kind.columns(model),
    }


def written_as(kind: Kind, owner: PartyId, row: Mapping[str, Any], *, replaced: str | None) -> Written:
    """What the write of this row did, by the digest of the content that it replaced (None: there was none)."""
    return _written(kind, owner, row, created=replaced is None, changed=replaced != row["digest"])


def _written(kind: Kind, owner: PartyId, row: Mapping[str, Any], *, created: bool, changed: bool) -> Written:
    return Written(
        kind=kind,
        owner=owner,
        object_id=row["object_id"],
        key=row["key"],
        document=row["document"],
        last_updated=row["last_updated"],
        created=created,
        changed=changed,
        reader_key=row["reader_key"],
    )


async def _locked(db: AsyncSession, kind: Kind, *, owner: PartyId, key: str) -> Any:
    """The row of a kept object, locked against other writers until the transaction ends; or None."""
    return (await db.execute(statements.lock(kind), {"named_owner": owner.key, "named_key": key})).one_or_none()


async def _replace(
    db: AsyncSession,
    kind: Kind,
    kept: Any,
    *,
    owner: PartyId,
    document: Document,
    source: str | None,
    at: datetime,
    created: bool,
) -> Written:
    row = row_of(kind, owner=owner, document=document, source=source, at=at)
    if endings.guards(kind) and endings.overtaken(kept, row):
        raise InvalidParameters("last_updated: is before that of the Session, which is COMPLETED; PUT it as a whole")
    await db.execute(statements.replace(kind), {**row, "replaced": kept.digest, "named_pk": kept.pk})
    return _written(kind, owner, row, created=created, changed=row["digest"] != kept.digest)


async def _stays(db: AsyncSession, kind: Kind, *, owner: PartyId, row: dict[str, Any]) -> Written:
    """The answer to an object whose place is not taken: an immutable one that is sent again (a lost answer is repeated,
    as it should be), or a Session at its end. Raises InvalidParameters."""
    kept = await _locked(db, kind, owner=owner, key=row["key"])
    if kind.immutable:
        if kept.digest != row["digest"] and _content(kept.document) != _content(row["document"]):
            name = f"this {kind.name} is kept with other content"
            raise InvalidParameters(f"{kind.key_field}: {name}, and it cannot change")
    elif not endings.overtaken(kept, row):  # it was changed a moment ago
        await db.execute(statements.replace(kind), {**row, "replaced": kept.digest, "named_pk": kept.pk})
        return written_as(kind, owner, row, replaced=kept.digest)
    return _written(kind, owner, kept._mapping, created=False, changed=False)
