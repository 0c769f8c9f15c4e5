"""Why a call brought no answer: one phrase for people, one kind for the retry. Nothing of the request is repeated."""

import socket
import ssl

import aiohttp
import httpx

from ocpi_hub.partners.answers import Trouble
from ocpi_hub.partners.guard import Blocked

FAILURES = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError)
"""What a transport raises when nothing comes of a request."""


class Failed(Exception):
    """A call that brought no answer that can be read; the text is its reason."""

    def __init__(self, reason: str, trouble: Trouble = Trouble.CONNECTION, *, http_status: int | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.http_status = http_status


def reason_of(error: BaseException) -> str:
    """One readable phrase for a failed call. Nothing of the request is repeated."""
    for cause in _causes(error):
        match cause:
            case Blocked():
                return Blocked.TEXT
            case aiohttp.ClientConnectorDNSError() | socket.gaierror():
                return "the host name was not found"
            case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
                return "the TLS certificate is not accepted"
            case ssl.SSLError():
                return "the TLS handshake failed"
            case aiohttp.ServerTimeoutError() | httpx.TimeoutException():
                return "no answer in time"
            case ConnectionRefusedError():
                return "the connection was refused"
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionResetError():
                return "the connection was closed before the answer was complete"
            case aiohttp.InvalidURL() | httpx.InvalidURL() | httpx.UnsupportedProtocol():
                return "the URL is malformed"
            case aiohttp.ClientResponseError() | httpx.ProtocolError():
                return "the answer is not HTTP"
    return "the connection failed"


def trouble_of(error: BaseException) -> Trouble:
    """What kind of failure it was: whether the partner can have had the request."""
    for cause in _causes(error):
        match cause:
            case aiohttp.ConnectionTimeoutError():
                return Trouble.CONNECTION
            case aiohttp.ServerTimeoutError() | httpx.ReadTimeout() | httpx.WriteTimeout():
                return Trouble.TIMEOUT
            case aiohttp.ClientResponseError():
                return Trouble.ANSWER
    return Trouble.CONNECTION


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what lies underneath, the innermost first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        inner = getattr(current, "os_error", None)
        current = inner if isinstance(inner, BaseException) else current.__cause__
    return chain[::-1]
