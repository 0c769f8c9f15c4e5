"""The charger's workshop: firmware that it fetches and installs, logs that it uploads, and how that may go wrong.

What goes wrong is chosen by `ends`; how long each step takes, by `pace` (seconds).
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from urllib.parse import urlsplit

from bridge_ocpp.simulator.box import Box
from bridge_ocpp.simulator.meter import Payload

ENDS = ("Installed", "DownloadFailed", "InvalidSignature", "InstallationFailed", "SameVersion", "Silent")
"""How an update may end: well, with that word, with the old version after the reboot, or without another word."""
PUBLISH_ENDS = ("Published", "DownloadFailed", "InvalidChecksum", "PublishFailed")
_VERSION = re.compile(r"(\d+(?:\.\d+)+)")
_LOG = b"2026-01-01T00:00:00Z booted\n2026-01-01T00:00:01Z nothing else happened\n"


class Workshop:
    """What upkeep means to one charger. Both versions share it; the messages' names come with the request.

    `last` is how its last update ended, one of ENDS; None before the first, and while one goes on. `publishes` is how
    an image ends that it is to publish (one of PUBLISH_ENDS); `published` are the checksums of those that it serves;
    `in_use` that chargers are fetching them just now.
    """

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.ends = "Installed"
        self.pace = 0.5
        self.last: str | None = None
        self.log = _LOG
        self.publishes = "Published"
        self.published: set[str] = set()
        self.in_use = False
        self._going: dict[str, Payload] = {}

    async def _told(self, action: str, said: Payload, *, over: bool) -> None:
        """Say how something goes; asked again by a trigger, the same is said until it is over."""
        self._going[action] = said
        if over:
            self._going.pop(action)
        await self.charger.say(action, said)

    def going(self, action: str) -> Payload:
        """How it goes with what this message is about: Idle where nothing goes on."""
        return self._going.get(action) or {"status": "Idle"}

    # --- firmware ---------------------------------------------------------------------------------------------------

    async def update(
        self, image: Payload, *, action: str, request_id: int | None, signed: bool, scheduled: bool = True
    ) -> None:
        """Fetch, verify, install, restart with the version that the image's name says; tell each step.

        `image` has the `location` and the times that the hub gave: nothing is fetched or installed before, and where
        the message has words for it (`scheduled`) it is said that it waits.
        """
        location = str(image["location"])
        fetch_at = image.get("retrieveDate") or image.get("retrieveDateTime")
        waits = {
            "Downloading": (fetch_at, "DownloadScheduled"),
            "Installing": (image.get("installDateTime"), "InstallScheduled"),
        }

        async def tell(status: str) -> None:
            named = {} if request_id is None else {"requestId": request_id}
            self.charger.tell("firmware", status)
            await self._told(action, {"status": status, **named}, over=status in ENDS)
            await asyncio.sleep(self.pace)

        self.last, as_chosen = None, self.ends
        for status in self._steps(signed=signed):
            at, word = waits.get(status, (None, ""))
            if at is not None and self._is_ahead(at):
                if scheduled:
                    await tell(word)
                await self.charger.until(datetime.fromisoformat(at))
            await tell(status)
        if self.ends in ("Installed", "SameVersion"):
            found = _VERSION.search(urlsplit(location).path)
            if self.ends == "Installed":
                self.charger.firmware = found.group(1) if found else f"{self.charger.firmware}+"
            await self.charger.restart(because="FirmwareUpdate")
            await self.charger.online.wait()
            await tell("Installed")
        self.last = as_chosen

    def _is_ahead(self, at: str) -> bool:
        return datetime.fromisoformat(at) > self.charger.now()

    def _steps(self, *, signed: bool) -> list[str]:
        if self.ends == "Silent":
            return ["Downloading"]
        if self.ends == "DownloadFailed":
            return ["Downloading", "DownloadFailed"]
        if self.ends == "InvalidSignature" and signed:
            return ["Downloading", "Downloaded", "InvalidSignature"]
        steps = ["Downloading", "Downloaded", *(["SignatureVerified"] if signed else []), "Installing"]
        return [*steps, "InstallationFailed"] if self.ends == "InstallationFailed" else steps

    # --- a local controller -----------------------------------------------------------------------------------------

    async def publish(self, location: str, checksum: str, *, request_id: int) -> None:
        """Fetch an image, check it and serve it, or fail as chosen; tell each step, with the URIs at the end."""
        steps = ["Downloading", "Downloaded", "ChecksumVerified", "Published"]
        failed = {"DownloadFailed": 1, "InvalidChecksum": 2, "PublishFailed": 3}.get(self.publishes)
        for status in steps if failed is None else [*steps[:failed], self.publishes]:
            told: Payload = {"status": status, "requestId": request_id}
            if status == "Published":
                self.published.add(checksum)
                file = urlsplit(location).path.rpartition("/")[2] or "image"
                told["location"] = [f"http://{self.charger.charger_id.lower()}.local/{file}"]
            self.charger.tell("publication", status)
            await self._told("PublishFirmwareStatusNotification", told, over=status in PUBLISH_ENDS)
            await asyncio.sleep(self.pace)

    def unpublish(self, checksum: str) -> str:
        """Unpublished, NoFirmware, or DownloadOngoing while a charger fetches it."""
        if checksum not in self.published:
            return "NoFirmware"
        if self.in_use:
            return "DownloadOngoing"
        self.published.discard(checksum)
        return "Unpublished"

    # --- logs -------------------------------------------------------------------------------------------------------

    async def upload(self, url: str, *, action: str, request_id: int | None, failed: str) -> None:
        """Send the log by HTTP PUT, and tell how it went; `failed` is the version's word for a failure."""
        named = {} if request_id is None else {"requestId": request_id}
        await self._told(action, {"status": "Uploading", **named}, over=False)
        try:
            status = "Uploaded" if 200 <= await _put(url, self.log) < 300 else failed
        except (OSError, ValueError):
            status = failed
        self.charger.tell("log", status)
        await self._told(action, {"status": status, **named}, over=True)


async def _put(url: str, content: bytes) -> int:
    """The HTTP status of a PUT. Raises OSError, or ValueError for a URL that is none of HTTP."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        raise ValueError("only HTTP")
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), ssl=parts.scheme == "https" or None
    )
    try:
        head = (
            f"PUT {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + content)
        await writer.drain()
        line = await reader.readline()
        return int(line.split()[1]) if len(line.split()) > 1 else 0
    finally:
        writer.close()


def update16(shop: Workshop, payload: Payload) -> Payload:
    """UpdateFirmware of 1.6."""
    told = "FirmwareStatusNotification"
    shop.charger.soon(shop.update(payload, action=told, request_id=None, signed=False, scheduled=False))
    return {}


def signed_update16(shop: Workshop, payload: Payload) -> Payload:
    """SignedUpdateFirmware of the 1.6 security whitepaper."""
    told = "SignedFirmwareStatusNotification"
    shop.charger.soon(shop.update(payload["firmware"], action=told, request_id=payload["requestId"], signed=True))
    return {"status": "Accepted"}


def diagnostics16(shop: Workshop, payload: Payload) -> Payload:
    """GetDiagnostics of 1.6."""
    told = "DiagnosticsStatusNotification"
    shop.charger.soon(shop.upload(payload["location"], action=told, request_id=None, failed="UploadFailed"))
    return {"fileName": f"{shop.charger.charger_id}.log"}


def log(shop: Workshop, payload: Payload) -> Payload:
    """GetLog."""
    url, told = payload["log"]["remoteLocation"], "LogStatusNotification"
    shop.charger.soon(shop.upload(url, action=told, request_id=payload["requestId"], failed="UploadFailure"))
    return {"status": "Accepted", "filename": f"{shop.charger.charger_id}.log"}


def update201(shop: Workshop, payload: Payload) -> Payload:
    """UpdateFirmware of 2.x (block L)."""
    firmware, told = payload["firmware"], "FirmwareStatusNotification"
    signed = "signature" in firmware
    shop.charger.soon(shop.update(firmware, action=told, request_id=payload["requestId"], signed=signed))
    return {"status": "Accepted"}


def publish201(shop: Workshop, payload: Payload) -> Payload:
    """PublishFirmware."""
    shop.charger.soon(shop.publish(payload["location"], payload["checksum"], request_id=payload["requestId"]))
    return {"status": "Accepted"}


def unpublish201(shop: Workshop, payload: Payload) -> Payload:
    """UnpublishFirmware."""
    return {"status": shop.unpublish(payload["checksum"])}
