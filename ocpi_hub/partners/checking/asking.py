"""Asking a partner during a check: GET and nothing else, and the answer as it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ocpi_hub.base.resources import Resources
from ocpi_hub.dialects.profile import Profile
from ocpi_hub.partners.client import PartnerClient, Unreachable
from ocpi_hub.partners.journal import About
from ocpi_hub.wire.envelope import Answer, NotOcpi, read_envelope
from ocpi_hub.wire.headers import PartyId, Routing

ASK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or why there is none. `answer` is None where the body is no OCPI; `problem` says why.

    `sent` is what the answer should give back: the two ids, and the parties the other way round.
    """

    url: str
    went: str
    status: int | None
    headers: Mapping[str, str]
    answer: Answer | None
    problem: str
    sent: Mapping[str, str]
    encoding: str

    @property
    def ok(self) -> bool:
        """HTTP 2xx with OCPI 1xxx."""
        return self.status is not None and 200 <= self.status < 300 and self.answer is not None and self.answer.ok

    @property
    def said(self) -> str:
        """What it answered, in a few words."""
        if self.status is None:
            return self.problem
        if self.answer is None:
            return f"HTTP {self.status}, and not OCPI: {self.problem}"
        return f"HTTP {self.status} with {self.answer.status_code}"

    @property
    def objects(self) -> list[Any] | None:
        """The list that it is; None when it is none."""
        data = self.answer.data if self.answer is not None else None
        return data if isinstance(data, list) else None


@dataclass(frozen=True, slots=True)
class Asker:
    """How one partner is asked."""

    resources: Resources
    platform_id: str
    profile: Profile
    hub: PartyId
    credentials_token: str = field(repr=False)

    async def get(
        self,
        url: str,
        *,
        to: PartyId | None = None,
        routed: bool = False,
        token: str | None = None,
        encoding: str | None = None,
    ) -> Reply:
        """One GET, `routed` with the headers of a functional module; `token`, `encoding` in place of the real ones."""
        correlation_id = str(uuid4())
        # What comes of a wrong token says nothing of the connection.
        real = token is None and encoding is None
        routing = Routing(to=to, from_=self.hub) if routed else None
        found = await self.resources.one(PartnerClient).relay(
            "GET",
            url,
            credentials_token=token or self.credentials_token,
            encoding=encoding or self.profile.token_encoding,
            platform_id=self.platform_id if real else None,
            routing=routing,
            correlation_id=correlation_id,
            timeout=min(ASK_SECONDS, self.resources.settings.partner_timeout),
            profile=self.profile,
            about=About("check"),
        )
        sent = {"X-Request-ID": found.request_id, "X-Correlation-ID": correlation_id}
        sent |= routing.reversed().headers() if routing is not None else {}
        if isinstance(found, Unreachable):
            return Reply(url, url, found.http_status, {}, None, found.reason, sent, "")
        received, answer, problem = found.received, None, ""
        try:
            answer = read_envelope(received.body)
        except NotOcpi as error:
            problem = str(error)
        return Reply(url, received.url, received.status, received.headers, answer, problem, sent, found.token_encoding)
