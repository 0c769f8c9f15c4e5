"""What an audit says: findings, each with a code, the field of the CDR it is about, a sentence, numbers, a severity."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .report import CostReport


class Severity(StrEnum):
    """How bad: INFO is worth knowing, WARNING may cost somebody money, ERROR contradicts the CDR itself."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or odd. `code` is stable, `field` a path such as `total_cost.excl_vat`."""

    code: str
    field: str
    message: str
    severity: Severity = Severity.ERROR
    numbers: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "severity": self.severity,
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings about one CDR, and the price report where it could be priced."""

    cdr_id: str
    findings: tuple[Finding, ...]
    report: CostReport | None

    @property
    def worst(self) -> Severity | None:
        """The highest severity found; None where nothing was."""
        return max((finding.severity for finding in self.findings), key=_RANK.__getitem__, default=None)

    def as_document(self) -> dict[str, Any]:
        return {
            "cdr_id": self.cdr_id,
            "worst": self.worst,
            "findings": [finding.as_document() for finding in self.findings],
            "report": self.report.as_document() if self.report else None,
        }
