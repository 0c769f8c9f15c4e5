"""The interop profile of a partner: how it differs from the specification, or from what others do.

Every field has a default that suits a partner without quirks. What the operator sets goes before what was learned,
and that before the default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from ocpi_hub.wire.errors import InvalidParameters, from_validation

PULLED = ("tariffs", "locations", "tokens", "sessions", "cdrs")
"""The modules that are pulled, in this order: what others refer to comes first."""
SHORTEST, LONGEST = 60, 366 * 24 * 3600

Seconds = Annotated[int, Field(strict=True, ge=SHORTEST, le=LONGEST)]
Host = Annotated[
    str, Field(strict=True, max_length=260, pattern=r"^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:[1-9][0-9]{0,4})?$")
]
Module = Literal["tariffs", "locations", "tokens", "sessions", "cdrs"]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class PullPlan:
    """Whether and how often one module of a partner is pulled, in seconds; None: as the settings say.

    `every` is for what changed since the last time, `full_every` for the whole list.
    """

    __pydantic_config__ = _STRICT

    on: StrictBool = True
    every: Seconds | None = None
    full_every: Seconds | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One partner's ways; docs/connecting.md has a table of them.

    What we send: `token_encoding`, `trailing_slash` (of the URLs that we push to and pull from), `header_case` (of
    the names), `nulls` (optional fields without a value), `times` (of DateTime fields), `push` (locations and
    tokens), `takes_patch` (false: PUT in its place), `push_retry` (what is told again when telling it failed),
    `credentials_role` and `endpoint_slash` (in our version details: our URLs end with a slash, for a partner that
    puts ids right behind them).
    Where we call it: `hosts` beside those of its versions URL and endpoints (`host`, `host:port`, `*.host`), for a
    response_url or a next page that leads there with our credentials token.
    What we take: `numeric_strings` ("1.5" for a number), `wraps_objects` (a single object comes as a list of one).
    Pulling: `pull` by module, `page_size`, `link` (offset: its next links lead nowhere), `vanished` (objects that are
    missing from its full list).
    """

    __pydantic_config__ = _STRICT

    token_encoding: Literal["auto", "base64", "raw"] = "auto"  # noqa: S105 - the name of a setting
    trailing_slash: Literal["as_given", "always", "never"] = "as_given"
    header_case: Literal["canonical", "lower"] = "canonical"
    nulls: Literal["omit", "explicit"] = "omit"
    times: Literal["as_kept", "seconds", "milliseconds"] = "as_kept"
    push: Literal["put", "patch"] = "put"
    takes_patch: StrictBool = True
    push_retry: Literal["none", "state", "cdr", "all"] = "all"
    credentials_role: Literal["SENDER", "RECEIVER"] = "SENDER"
    endpoint_slash: StrictBool = False
    numeric_strings: StrictBool = False
    wraps_objects: StrictBool = False
    pull: Mapping[Module, PullPlan] = field(default_factory=dict)
    page_size: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    link: Literal["follow", "offset"] = "follow"
    vanished: Literal["keep", "hide"] = "keep"
    hosts: Annotated[tuple[Host, ...], Field(max_length=50)] = ()

    @property
    def rewrites(self) -> bool:
        """Whether objects that go to this partner differ from how they are kept."""
        return self.nulls == "explicit" or self.times != "as_kept"

    def retries(self, module: str) -> bool:
        """Whether what could not be told of a module is told again later (transport_and_format, Offline behaviour).

        Messages that somebody waits for, such as a CommandResult, are no state: only `none` drops them.
        """
        match self.push_retry:
            case "all":
                return True
            case "none":
                return False
            case "cdr":
                return module not in STATE
            case "state":
                return module != "cdrs"

    def plan(self, module: str) -> PullPlan:
        """How a module is pulled."""
        return self.pull.get(module, PullPlan())  # type: ignore[call-overload,no-any-return]

    def document(self) -> dict[str, Any]:
        """The profile for people, every field by its name."""
        return asdict(self) | {"pull": {module: asdict(plan) for module, plan in self.pull.items()}}


STATE = frozenset({"locations", "tariffs", "tokens", "sessions", "hubclientinfo"})
PLAIN = Profile()
NAMES = tuple(one.name for one in fields(Profile))
LEARNABLE = ("token_encoding", "trailing_slash", "wraps_objects", "page_size", "link", "takes_patch")
"""What the hub finds out by itself."""
_ADAPTER = TypeAdapter(Profile)


def read_profile(document: Mapping[str, Any]) -> Profile:
    """The profile that an operator wrote. Raises InvalidParameters that names every wrong field, and the known ones."""
    unknown = sorted(str(name) for name in document if name not in NAMES)
    if unknown:
        raise InvalidParameters(f"profile: has no {', '.join(unknown)[:200]}; it knows {', '.join(NAMES)}")
    try:
        return _ADAPTER.validate_python(dict(document))
    except ValidationError as error:
        raise from_validation(error, within="profile") from None


def changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is set after a change: the fields that are named, null for taking one back. Raises InvalidParameters.

    `pull` is changed module by module, and each of them as a whole.
    """
    merged = {**before, **changes}
    pull = changes.get("pull")
    if isinstance(pull, Mapping):
        merged["pull"] = _without_nulls({**(before.get("pull") or {}), **pull}) or None
    merged = _without_nulls(merged)
    read_profile(merged)
    return merged


def in_force(set_: Mapping[str, Any], learned: Mapping[str, Any]) -> Profile:
    """The profile that counts: set before learned before default. A field that cannot be read counts as not set.

    `learned` is as it is kept: name → {"value", …}.
    """
    found = {name: told["value"] for name, told in learned.items() if isinstance(told, Mapping) and "value" in told}
    merged = {name: value for name, value in {**found, **set_}.items() if name in NAMES}
    while merged:
        try:
            return _ADAPTER.validate_python(merged)
        except ValidationError as error:
            bad = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
            merged = {name: value for name, value in merged.items() if name not in bad} if bad else {}
    return PLAIN


def _without_nulls(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
