"""What is allowed, in this test's own words: nothing here is asked of the hub's own tables, so the two can disagree."""

from dataclasses import dataclass

HUB = "NL/HUB"

# Six parties: two CPOs, two eMSPs, one that only reads maps, one that is both.
ROLES: dict[str, frozenset[str]] = {
    "NL/ABC": frozenset({"CPO"}),
    "BE/BEC": frozenset({"CPO"}),
    "DE/MSP": frozenset({"EMSP"}),
    "FR/EM2": frozenset({"EMSP"}),
    "SE/MAP": frozenset({"NSP"}),
    "IT/TWO": frozenset({"CPO", "EMSP"}),
}
PARTIES = tuple(ROLES)

# Which role owns, which roles read what they are told, and which verbs change something at a receiver.
OWNER = {"locations": "CPO", "tariffs": "CPO", "sessions": "CPO", "cdrs": "CPO", "tokens": "EMSP"}
READERS = {
    "locations": {"EMSP", "NSP"},
    "tariffs": {"EMSP", "NSP"},
    "sessions": {"EMSP"},
    "cdrs": {"EMSP"},
    "tokens": {"CPO"},
}
WRITES = {
    "locations": {"PUT", "PATCH"},
    "tariffs": {"PUT", "DELETE"},
    "sessions": {"PUT", "PATCH"},
    "cdrs": {"POST"},
    "tokens": {"PUT", "PATCH"},
}
MODULES = tuple(OWNER)
VERBS = ("GET", "PUT", "PATCH", "POST", "DELETE")
PRIVATE = {"sessions", "cdrs"}
"""For the owner of their token only. Each CPO has one of each for each of these:"""
DRIVERS_OF = ("DE/MSP", "FR/EM2")

# In the closed world there are these agreements and no others.
AGREEMENTS = {
    ("NL/ABC", "DE/MSP"): set(MODULES) | {"commands", "chargingprofiles"},
    ("BE/BEC", "FR/EM2"): {"locations"},
}


def owns(party: str, module: str) -> bool:
    return OWNER[module] in ROLES[party]


def friends(a: str, b: str, module: str, *, closed: bool) -> bool:
    """Whether two parties have an agreement for a module, or need none."""
    if not closed:
        return True
    return any({a, b} == set(pair) and module in modules for pair, modules in AGREEMENTS.items())


def tells(owner: str, reader: str, module: str, *, closed: bool) -> bool:
    """Whether one may tell the other of its objects of a module, and the other may ask it for them."""
    fits = owns(owner, module) and bool(ROLES[reader] & READERS[module])
    return fits and friends(owner, reader, module, closed=closed)


def reads(party: str, owner: str, module: str, *, closed: bool, driver_of: str | None = None) -> bool:
    """Whether a party may see an object of this owner that is kept: `driver_of` is whose token a session is for."""
    if party == owner:
        return module in PRIVATE  # its own sessions and CDRs; of the rest it is told by nobody
    if not owns(owner, module) or not ROLES[party] & READERS[module]:
        return False
    if module in PRIVATE and driver_of != party:
        return False
    return friends(party, owner, module, closed=closed)


@dataclass(frozen=True)
class Attempt:
    """What a platform tries: with its own token, in the name of `from_`, at a URL of `url`, with a body of `body`."""

    variant: str
    from_: str
    url: str
    body: str


def attempts(me: str, victim: str) -> list[Attempt]:
    return [
        Attempt("own", me, me, me),
        Attempt("other", me, victim, victim),
        Attempt("spoofed from", victim, victim, victim),
        Attempt("spoofed from of its own", victim, me, me),
        Attempt("spoofed body", me, me, victim),
        Attempt("spoofed URL", me, victim, me),
    ]


def may_write(me: str, module: str, verb: str, attempt: Attempt) -> bool:
    """Only one's own, in one's own name, and only what this module has: whatever of the three the verb uses."""
    named = {attempt.from_}
    named |= {attempt.url} if verb != "POST" else set()
    named |= {attempt.body} if verb not in ("GET", "DELETE") else set()
    return named == {me} and owns(me, module) and (verb in WRITES[module] or verb == "GET")
