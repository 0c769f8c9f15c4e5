"""CDRs that a CPO sends straight to an eMSP: audited on their way, and held or refused where the policy says so.

They go on byte for byte or not at all, and are kept with their audit only: no list of the hub ever has them.
"""

from functools import partial
from typing import Any
from urllib.parse import quote

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.clearing import policy, records
from ocpi_hub.clearing.policy import Decision
from ocpi_hub.clearing.records import Passing
from ocpi_hub.clearing.tables import Action, CdrAudit, Verdict
from ocpi_hub.objects.kinds import CDRS
from ocpi_hub.routing.address import VERSION
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.routing.inspection import Afterwards, Inspector
from ocpi_hub.wire.envelope import envelope
from ocpi_hub.wire.errors import InvalidParameters, OcpiError, from_validation
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.json import dumps, loads
from ocpi_hub.wire.parties import ModuleId

log = structlog.get_logger()


def bind(resources: Resources) -> None:
    """Let this process look at the CDRs that it passes on."""
    resources.put(Inspector, PassingCdrs(resources))  # type: ignore[type-abstract]


class PassingCdrs:
    """routing.inspection.Inspector, by the audit and the policy of the pair."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def inspect(self, call: Call, party: PartyId) -> Passed | Afterwards | None:
        """Judge a CDR. One that was judged before is not judged again: it goes on, or stays held, as it did."""
        document, owner, resources = call.document, call.from_, self._resources
        problem = _problem(document)
        async with resources.unit_of_work() as db:
            if problem is not None:
                await _unreadable(db, problem, owner, party)
                return None
            known = await records.get(db, owner.key, CDRS.object_key(document), lock=True)
            if known is not None and known.decision != Verdict.REFUSED:
                return self._held(call, known, document) if _is_kept_back(known) else None
            decision = await policy.judge(db, resources, document, owner, party)
            passing = Passing(party, call.body.decode(), call.correlation_id)
            if decision.verdict in (Verdict.REFUSED, Verdict.HELD):
                await self._record(db, document, decision, owner, passing)
        if decision.verdict is Verdict.REFUSED:
            raise InvalidParameters(str(decision.reason))
        if decision.verdict is Verdict.HELD:
            return self._taken(call, document)
        return partial(self._afterwards, document, decision, owner, passing)

    async def _afterwards(
        self, document: dict[str, Any], decision: Decision, owner: PartyId, passing: Passing, passed: Passed
    ) -> None:
        """What its eMSP has taken is on record; what it has not, its CPO will send again."""
        if 1000 <= passed.status_code < 2000:
            async with self._resources.unit_of_work() as db:
                await self._record(db, document, decision, owner, passing)

    async def _record(
        self, db: AsyncSession, document: dict[str, Any], decision: Decision, owner: PartyId, passing: Passing
    ) -> None:
        await records.keep(db, document, decision, owner=owner, at=self._resources.clock(), passing=passing)
        if decision.verdict is not Verdict.PASSED:
            log.warning(f"clearing.{decision.verdict}", cdr=document["id"], owner=str(owner),
                        reader=str(passing.reader), codes=records.codes(decision))  # fmt: skip

    def _held(self, call: Call, known: CdrAudit, document: dict[str, Any]) -> Passed:
        """The answer to a CDR that is held already (a lost answer is repeated, as it should be)."""
        if known.document is None or loads(known.document) != loads(dumps(document)):
            raise InvalidParameters("id: this CDR is held with other content, and it cannot change")
        return self._taken(call, document)

    def _taken(self, call: Call, document: dict[str, Any]) -> Passed:
        """201 in the hub's own name, for its eMSP has not seen it; the CPO can read it back here (mod_cdrs, POST)."""
        settings = self._resources.settings
        names = (call.from_.country_code, call.from_.party_id, quote(document["id"], safe=""))
        path = "/".join(quote(name, safe="") for name in names)
        return Passed(
            http_status=201,
            status_code=1000,
            body=envelope(at=self._resources.clock(), status_message="held by the hub until a person has looked at it"),
            data=None,
            routing=Routing(to=call.from_, from_=PartyId(settings.country_code, settings.party_id)),
            headers={"location": f"{settings.api_url}/ocpi/{VERSION}/receiver/{ModuleId.CDRS}/{path}"},
        )


def _problem(document: dict[str, Any]) -> OcpiError | None:
    try:
        CDRS.model.model_validate(document)
    except ValidationError as error:
        return from_validation(error)
    return None


async def _unreadable(db: AsyncSession, problem: OcpiError, owner: PartyId, party: PartyId) -> None:
    """What is no CDR cannot be audited or held: it goes on where errors pass, and is refused where they do not."""
    rule = await policy.policy_for(db, owner, party)
    log.warning("clearing.unreadable", owner=str(owner), reader=str(party), reason=problem.message)
    if rule is not None and rule.on_error != Action.PASS:
        raise problem


def _is_kept_back(known: CdrAudit) -> bool:
    return known.addressed and known.decision in (Verdict.HELD, Verdict.REJECTED)


async def kept_back(db: AsyncSession, owner: PartyId, cdr_id: str) -> str | None:
    """A CDR that is held on its way, for its CPO to read; as JSON text."""
    known = await records.get(db, owner.key, cdr_id.lower())
    return known.document if known is not None and _is_kept_back(known) else None
