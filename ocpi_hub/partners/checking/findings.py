"""What a check found: a verdict, a sentence, and what to do. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """fail: against the specification, and something will not work; warn: it works, or costs something; pass."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one thing. `section` is where the specification says it; `module` where it is about one."""

    id: str
    section: str
    verdict: Verdict
    said: str
    advice: str = ""
    module: str | None = None

    def document(self) -> dict[str, Any]:
        """For the admin REST."""
        return {
            "id": self.id,
            "module": self.module,
            "section": self.section,
            "verdict": self.verdict.value,
            "said": self.said,
            "advice": self.advice,
        }


# Where the specification says it.
VERSIONS = "version_information_endpoint, Versions"
DETAILS = "version_information_endpoint, Version details"
CREDENTIALS = "credentials, GET Method"
TOKEN = "transport_and_format, Authorization header"  # noqa: S105 - no password
ENVELOPE = "transport_and_format, Response format"
TIMES = "types, DateTime"
IDS = "transport_and_format, Unique message IDs"
ROUTING = "transport_and_format, Message Routing Headers"
PAGES = "transport_and_format, Pagination"
HTTP = "status_codes, HTTP status codes"
OBJECTS = "transport_and_format, GET"
TLS = "transport_and_format, Security"
CLIENTS = "mod_hub_client_info, PUT Method"


@dataclass(slots=True)
class Report:
    """All findings in the order of asking."""

    findings: list[Finding] = field(default_factory=list)

    def add(
        self, id_: str, section: str, verdict: Verdict, said: str, advice: str = "", *, module: str | None = None
    ) -> None:
        """One more. A check that passes needs no advice."""
        kept = "" if verdict is Verdict.PASS else advice
        self.findings.append(Finding(id_, section, verdict, said, kept, module))

    def judge(
        self,
        id_: str,
        section: str,
        good: bool,
        said: tuple[str, str],
        advice: str = "",
        *,
        bad: Verdict = Verdict.FAIL,
        module: str | None = None,
    ) -> bool:
        """Pass with the first sentence, or `bad` with the second; gives `good`."""
        verdict = Verdict.PASS if good else bad
        self.add(id_, section, verdict, said[0] if good else said[1], advice, module=module)
        return good

    @property
    def verdict(self) -> Verdict:
        """The worst one."""
        found = {one.verdict for one in self.findings}
        return next((v for v in (Verdict.FAIL, Verdict.WARN) if v in found), Verdict.PASS)

    def document(self) -> dict[str, Any]:
        """For the admin REST."""
        counts = {v.value: sum(one.verdict is v for one in self.findings) for v in Verdict}
        return {
            "verdict": self.verdict.value,
            "counts": counts,
            "checks": [one.document() for one in self.findings],
        }
