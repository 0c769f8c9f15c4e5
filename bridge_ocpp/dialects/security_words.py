"""Facts about the security of the link: certificates that a charger wants, and what it saw happen to itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge_ocpp.dialects.words import Fact


@dataclass(frozen=True, slots=True)
class ChainStatusAsked(Fact):
    """Have these certificates been revoked? Each is as the charger names it: hashes, and where to ask."""

    certificates: tuple[Mapping[str, Any], ...]
