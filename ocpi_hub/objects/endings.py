"""What of a kept Session no partner changes: whose it is, and that it is COMPLETED (mod_sessions, SessionStatus: "No
more modifications will be made to the Session object using this state"). Pure; said in SQL by statements.py too.

Corrections of a COMPLETED Session are taken all the same, for meters are late: as COMPLETED, or as INVALID.
"""

from collections.abc import Mapping
from typing import Any

from ocpi_hub.objects.kinds import Kind
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.sessions import SessionStatus

COMPLETED = SessionStatus.COMPLETED.value
FINAL = (COMPLETED, SessionStatus.INVALID.value)


def guards(kind: Kind) -> bool:
    """Whether this file has a say: of the objects that have one reader, CDRs never change anyway."""
    return kind.audience == "token_owner" and not kind.immutable


def overtaken(kept: Any, row: Mapping[str, Any]) -> bool:
    """Whether what came is older than the COMPLETED Session that is kept, and so says nothing new.

    Raises InvalidParameters for what would give a Session to another party, or let a COMPLETED one go on. What our own
    chargers say (`platform_id` None) is not judged here.
    """
    if row["platform_id"] is None:
        return False
    if row["reader_key"] != kept.reader_key:
        raise InvalidParameters(
            "cdr_token: a Session stays with the party whose token began it; make it INVALID, and begin another"
        )
    if kept.status != COMPLETED:
        return False
    if row["last_updated"] < kept.last_updated:
        return True
    if row["status"] not in FINAL:
        raise InvalidParameters(f"status: this Session is {COMPLETED}: it can be corrected, but not go on")
    return False
