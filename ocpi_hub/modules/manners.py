"""Objects in a caller's own way, by its interop profile: as it sends them, and as it wants to read them."""

from collections.abc import Iterable

from ocpi_hub.dialects.speaking import Document, heard, said
from ocpi_hub.modules.asking import Heard
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.partners.directory import Caller
from ocpi_hub.wire.envelope import Raw
from ocpi_hub.wire.json import dumps, loads


async def taken(kind: Kind, request: Heard, *, depth: int = 0) -> Document:
    """What a caller sends of an object, or of its child `depth` levels down, as everybody can read it.

    Raises as Heard.document() does."""
    model = kind.children[depth - 1].model if depth else kind.model
    return heard(await request.document(), model, request.caller.platform.profile)


def given(kind: Kind, documents: Iterable[str], caller: Caller) -> Raw:
    """A list of kept objects as this caller wants to read them: their text as it is kept, where it has no wishes."""
    profile = caller.platform.profile
    if profile.rewrites:
        documents = (dumps(said(loads(document), kind.model, profile)) for document in documents)
    return Raw(f"[{','.join(documents)}]")
