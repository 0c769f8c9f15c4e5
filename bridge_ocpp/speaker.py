"""Who is speaking: what the handlers of a charger's messages know of its connection. No I/O.

One per socket; the socket itself is connection.py's business.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bridge_ocpp.clock import BACKLOG, Judged, Said, judge

MOST_QUIRKS = 50
ACCEPTED, PENDING, REJECTED = "Accepted", "Pending", "Rejected"
"""What a boot is answered."""


@dataclass(slots=True)
class Speaker:
    """A charger on one of its connections. `key` is its id folded to lower case; times are UTC."""

    key: str
    id: str
    generation: int
    connected_at: datetime
    behind_since: datetime | None
    echoes_remote_start: bool
    boot_answer: str | None = None
    """What its last boot was answered; None when it has never booted."""
    invited: set[str] = field(default_factory=set)
    """Actions that we asked it for on this connection; they may come before its boot is accepted."""
    quirks: set[str] = field(default_factory=set)
    new_quirks: list[str] = field(default_factory=list)

    def may_say(self, action: str, *, boots_first: bool) -> bool:
        """Whether the charger may send this action now, as its last boot was answered.

        Pending: only what we asked it for (1.6, 4.2; 2.0.1, B02.FR.02 and FR.09). Rejected: nothing but another boot
        (B03.FR.07). One that has never booted may speak where the version does not say otherwise (`boots_first`).
        """
        if action == "BootNotification" or self.boot_answer == ACCEPTED:
            return True
        if self.boot_answer is None:
            return not boots_first
        return self.boot_answer == PENDING and action in self.invited

    def judge(self, said: Said, *, received: datetime, offline: bool | None = None) -> Judged:
        """See clock.judge. What a charger queued comes within an hour of its connecting, or was not queued."""
        behind_since = self.behind_since if received - self.connected_at <= BACKLOG else None
        judged = judge(said, received=received, offline=offline, behind_since=behind_since)
        for flag in judged.flags:
            self.note(flag)
        return judged

    def note(self, quirk: str) -> None:
        """Remember something that this charger does wrong; a charger can be wrong in no more than 50 ways."""
        if quirk not in self.quirks and len(self.quirks) < MOST_QUIRKS:
            self.quirks.add(quirk)
            self.new_quirks.append(quirk)
