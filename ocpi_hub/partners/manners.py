"""A partner's ways: the profile in force for a platform, out of what was set and what was learned. Pure."""

from collections.abc import Mapping
from typing import Any, Protocol

from ocpi_hub.dialects.profile import Profile, in_force


class Mannered(Protocol):
    """A platform, as a row or as part of a picture."""

    @property
    def profile(self) -> Mapping[str, Any]: ...
    @property
    def learned(self) -> Mapping[str, Any]: ...
    @property
    def token_encoding(self) -> str: ...


def profile_of(platform: Mannered) -> Profile:
    """The profile in force. How it wants its credentials token is learned in the handshake, in a column of its own."""
    return in_force(platform.profile, all_learned(platform))


def all_learned(platform: Mannered) -> dict[str, Any]:
    """Everything that was learned of a platform: name → {"value", "at"?, "how"}."""
    learned = dict(platform.learned)
    if platform.token_encoding != "auto":  # noqa: S105 - the name of a setting
        learned["token_encoding"] = {"value": platform.token_encoding, "how": "the handshake"}
    return learned
