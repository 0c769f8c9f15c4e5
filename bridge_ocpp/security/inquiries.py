"""Asking issuers about certificates, over the business side's way out; what they said is kept while it holds."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography import x509

from bridge_ocpp.dialects.car_words import Standing
from bridge_ocpp.dialects.words import CertificateNamed
from bridge_ocpp.port import NotServed, Outside
from bridge_ocpp.security import revocation
from bridge_ocpp.security.revocation import Name, NotTold, Told

LONGEST_OCSP = 64 * 1024
LONGEST_LIST = 2 * 1024 * 1024
MOST_KEPT = 4096
FAILED = Standing("Failed")


class Inquiries:
    """One per bridge process. `authorities` (PEM) are those whose signatures can be checked and chains believed."""

    def __init__(self, outside: Outside, authorities: bytes, *, now: Callable[[], datetime]) -> None:
        """Raises ValueError for authorities that are no certificates in PEM."""
        self.authorities = x509.load_pem_x509_certificates(authorities) if authorities.strip() else []
        self.now = now
        self._outside = outside
        self._kept: OrderedDict[tuple[str, Name], Told] = OrderedDict()

    async def responder_says(self, named: CertificateNamed) -> bytes:
        """The OCSP responder's answer, in DER. Raises NotServed or NotTold."""
        return (await self.ask_ocsp(Name.of(named), named.urls[0])).der

    async def standing(self, named: CertificateNamed, known: Sequence[x509.Certificate] = ()) -> Standing:
        """What is proven of a certificate, by the first of its sources that says something; else Failed."""
        try:
            name = Name.of(named)
        except NotTold:
            return FAILED
        for url in named.urls:
            try:
                told = await self._ask(name, url, named.source, known)
            except (NotServed, NotTold):
                continue
            if told.proven:
                return told.standing
        return FAILED

    async def ask_ocsp(self, name: Name, url: str, known: Sequence[x509.Certificate] = ()) -> Told:
        """Raises NotServed or NotTold."""
        return await self._ask(name, url, "OCSP", known)

    async def _ask(self, name: Name, url: str, source: str, known: Sequence[x509.Certificate]) -> Told:
        now = self.now()
        kept = self._kept.get((url, name))
        if kept is not None and (kept.proven or not known) and (kept.standing.next_update or now) > now:
            return kept
        believed = [*self.authorities, *known]
        if source == "CRL":
            body = await self._outside.fetch(url, body=None, content_type="", limit=LONGEST_LIST)
            told = revocation.read_crl(body, name, believed, now=now)
            told = Told(told.standing, told.proven, b"")  # a list may be long, and nobody wants it again
        else:
            question = revocation.request(name)
            kind = "application/ocsp-request"
            body = await self._outside.fetch(url, body=question, content_type=kind, limit=LONGEST_OCSP)
            told = revocation.read_ocsp(body, name, believed, now=now)
        self._keep((url, name), told)
        return told

    def _keep(self, key: tuple[str, Name], told: Told) -> None:
        self._kept[key] = told
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
