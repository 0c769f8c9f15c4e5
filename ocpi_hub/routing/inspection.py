"""A look at messages before they are passed on, for rooms above: bound by an entry point, asked by direct routing.

Nothing is known here of what is looked for. Without anybody who looks, everything passes.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from ocpi_hub.base.resources import Resources
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, ModuleId

Afterwards = Callable[[Passed], Awaitable[None]]
"""What is done once the receiver has answered."""


class Inspector(Protocol):
    """Looks at a CDR that one party posts to another."""

    async def inspect(self, call: Call, party: PartyId) -> Passed | Afterwards | None:
        """An answer of the hub's own for a CDR that does not go on; else what is to be done afterwards, if anything.

        Raises InvalidParameters for a CDR that is refused.
        """


async def inspect(resources: Resources, call: Call, party: PartyId) -> Passed | Afterwards | None:
    """Ask whoever looks at CDRs; the body is passed on as it came all the same."""
    target = call.target
    if (target.module, target.interface, call.method) != (ModuleId.CDRS, InterfaceRole.RECEIVER, "POST"):
        return None
    try:
        inspector = resources.get(Inspector)  # type: ignore[type-abstract]
    except LookupError:
        return None
    return await inspector.inspect(call, party)
