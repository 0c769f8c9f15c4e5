"""How chargers' passwords are kept and checked, and how guessing is slowed down. No I/O.

A password is kept as HMAC-SHA256 with a salt of the charger's own, keyed with the installation's pepper. A slow hash
would make thousands of chargers that reconnect at once into an outage of our own making; the pepper, which is not in
the database, does for a stolen table what slowness would, and guessing over the wire is slowed here.
"""

import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTEST, LONGEST = 8, 64
FAILURES = 10
BACK_OFF, BETWEEN = timedelta(minutes=15), timedelta(seconds=10)
REMEMBERED = 10_000

_NOBODY = (b"\0" * 16, b"\0" * 32)


def checked(password: str) -> str:
    """The password. Raises ValueError when chargers could not carry it."""
    if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
        raise ValueError(f"a charger's password has {SHORTEST} to {LONGEST} printable characters")
    return password


def digest(password: str | bytes, *, salt: bytes, pepper: bytes) -> bytes:
    """What is kept of a password."""
    return hmac.digest(pepper, salt + _plain(password), "sha256")


def new_salt() -> bytes:
    return secrets.token_bytes(16)


def matches(password: bytes, *, salt: bytes | None, kept: bytes | None, pepper: bytes) -> bool:
    """Whether it is the password. Takes the same time for a charger that has none, or does not exist."""
    known = salt is not None and kept is not None
    use_salt, use_kept = (salt, kept) if salt is not None and kept is not None else _NOBODY
    return hmac.compare_digest(digest(password, salt=use_salt, pepper=pepper), use_kept) and known


def _plain(password: str | bytes) -> bytes:
    """The bytes meant: 40 hexadecimal characters are 20 bytes (OCPP 1.6 security whitepaper, AuthorizationKey)."""
    raw = password.encode() if isinstance(password, str) else password
    if len(raw) == 40:
        try:
            return bytes.fromhex(raw.decode("ascii"))
        except ValueError:
            return raw
    return raw


def read_basic(header: str | None, charger_id: str) -> bytes | None:
    """The password in an HTTP Basic header whose user is this charger; None for anything else.

    An id with a colon is taken as it is: the password begins after the id, not after the first colon.
    """
    scheme, _, encoded = (header or "").strip().partition(" ")
    if scheme.casefold() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user = charger_id.encode()
    if pair[: len(user)].lower() != user.lower() or pair[len(user) : len(user) + 1] != b":":
        return None
    return pair[len(user) + 1 :]


@dataclass(slots=True)
class _Guesses:
    count: int
    until: datetime
    looked_at: datetime


class Doorman:
    """Counts wrong passwords per (address, charger): after ten, that address is looked at once in ten seconds.

    The real charger elsewhere notices nothing. At the same address, or with a password that its operator has just
    mended, it comes in with one of its next tries."""

    def __init__(self) -> None:
        self._guesses: OrderedDict[tuple[str, str], _Guesses] = OrderedDict()

    def turns_away(self, address: str, charger_key: str, *, now: datetime) -> bool:
        """Whether this pair has to wait. If not, it has its one look."""
        found = self._guesses.get((address, charger_key))
        if found is None or found.count < FAILURES or now >= found.until:
            return False
        if now - found.looked_at < BETWEEN:
            return True
        found.looked_at = now
        return False

    def failed(self, address: str, charger_key: str, *, now: datetime) -> None:
        """One more wrong password. Failures are forgotten 15 minutes after the last one."""
        pair = (address, charger_key)
        found = self._guesses.pop(pair, None)
        count = found.count + 1 if found is not None and now < found.until else 1
        self._guesses[pair] = _Guesses(count, now + BACK_OFF, now)
        while len(self._guesses) > REMEMBERED:
            self._guesses.popitem(last=False)

    def passed(self, address: str, charger_key: str) -> None:
        """The right password."""
        self._guesses.pop((address, charger_key), None)
