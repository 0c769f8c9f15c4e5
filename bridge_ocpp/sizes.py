"""How long a frame may be: certificates may be longer than all else, and what carries one is seen by its beginning.

Pure. The WebSocket itself reads up to the longer of both limits, for what a frame holds is not known before.
"""

import re
from collections.abc import Callable

CARRY_CERTIFICATES = frozenset(
    {
        "SignCertificate",
        "Authorize",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "GetCertificateChainStatus",
        "GetInstalledCertificateIds",
    }
)

_BEGINNING = re.compile(r'\s*\[\s*(?:2\s*,\s*"[^"]{0,255}"\s*,\s*"(\w{1,50})"|3\s*,\s*"([^"]{0,255})")')


def is_too_long(text: str, *, limit: int, asked: Callable[[str], str | None]) -> bool:
    """Whether a frame is longer than `limit` bytes without carrying certificates.

    `asked` says which action of ours a message id belongs to.
    """
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        return False
    found = _BEGINNING.match(text)
    if found is None:
        return True
    action = found[1] or asked(found[2] or "")
    return action not in CARRY_CERTIFICATES
