"""How chargers say it: one dialect per version of OCPP, each two tables of pure functions. Best version first."""

from collections.abc import Mapping

from bridge_ocpp.dialects import v16, v21, v201
from bridge_ocpp.dialects.words import Dialect

DIALECTS: Mapping[str, Dialect] = {dialect.protocol: dialect for dialect in (v21.DIALECT, v201.DIALECT, v16.DIALECT)}
"""By WebSocket subprotocol, the one that we would rather speak first."""
