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
LOOKS_EVERY = 0.2
"""Seconds between two looks at the clock while an update waits for its time."""
_VERSION = re.compile(r"(\d+(?:\.\d+)+)")
_LOG = b"2026-01-01T00:00:00Z booted\n2026-01-01T00:00:01Z nothing else happened\n"


class Workshop:
    """What upkeep means to one charger. Both versions share it; the messages' names come with the request.

    `last` is how its last update ended, one of ENDS; None before the first, and while one goes on. `publishes` is how
    an image ends that it is to publish (one of PUBLISH_ENDS); `published` are the checksums of those that it serves,
    `fetching` of those that a charger is fetching from it just now.
    """

    def __init__(self, charger: Box) -> None:
        self.charger = charger
        self.ends = "Installed"
        self.pace = 0.5
        self.last: str | None = None
        self.log = _LOG
        self.publishes = "Published"
        self.published: set[str] = set()
        self.fetching: set[str] = set()

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
            await self.charger.say(action, {"status": status, **named})
            await asyncio.sleep(self.pace)

        self.last, as_chosen = None, self.ends
        for status in self._steps(signed=signed):
            at, word = waits.get(status, (None, ""))
            if at is not None and self._is_ahead(at):
                if scheduled:
                    await tell(word)
                while self._is_ahead(at):  # noqa: ASYNC110 - a clock that may be set is not an event
                    await asyncio.sleep(LOOKS_EVERY)
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
            await self.charger.say("PublishFirmwareStatusNotification", told)
            await asyncio.sleep(self.pace)

    def unpublish(self, checksum: str) -> str:
        """Unpublished, NoFirmware, or DownloadOngoing while a charger fetches it."""
        if checksum in self.fetching:
            return "DownloadOngoing"
        if checksum not in self.published:
            return "NoFirmware"
        self.published.discard(checksum)
        return "Unpublished"

    # --- logs -------------------------------------------------------------------------------------------------------

    async def upload(self, url: str, *, action: str, request_id: int | None, failed: str) -> None:
        """Send the log by HTTP PUT, and tell how it went; `failed` is the version's word for a failure."""
        named = {} if request_id is None else {"requestId": request_id}
        await self.charger.say(action, {"status": "Uploading", **named})
        try:
            status = "Uploaded" if 200 <= await _put(url, self.log) < 300 else failed
        except (OSError, ValueError):
            status = failed
        self.charger.tell("log", status)
        await self.charger.say(action, {"status": status, **named})


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


async def answer16(shop: Workshop, action: str, payload: Payload) -> Payload | None:
    """OCPP 1.6, Firmware Management and the security whitepaper."""
    if action == "UpdateFirmware":
        told = "FirmwareStatusNotification"
        shop.charger.soon(shop.update(payload, action=told, request_id=None, signed=False, scheduled=False))
        return {}
    if action == "SignedUpdateFirmware":
        told = "SignedFirmwareStatusNotification"
        shop.charger.soon(shop.update(payload["firmware"], action=told, request_id=payload["requestId"], signed=True))
        return {"status": "Accepted"}
    if action == "GetDiagnostics":
        told = "DiagnosticsStatusNotification"
        shop.charger.soon(shop.upload(payload["location"], action=told, request_id=None, failed="UploadFailed"))
        return {"fileName": f"{shop.charger.charger_id}.log"}
    if action == "GetLog":
        return _get_log(shop, payload)
    return None


async def answer201(shop: Workshop, action: str, payload: Payload) -> Payload | None:
    """OCPP 2.0.1, block L, and the logs of block N."""
    if action == "UpdateFirmware":
        firmware, told = payload["firmware"], "FirmwareStatusNotification"
        signed = "signature" in firmware
        shop.charger.soon(shop.update(firmware, action=told, request_id=payload["requestId"], signed=signed))
        return {"status": "Accepted"}
    if action == "PublishFirmware":
        location, checksum = payload["location"], payload["checksum"]
        shop.charger.soon(shop.publish(location, checksum, request_id=payload["requestId"]))
        return {"status": "Accepted"}
    if action == "UnpublishFirmware":
        return {"status": shop.unpublish(payload["checksum"])}
    if action == "GetLog":
        return _get_log(shop, payload)
    return None


def _get_log(shop: Workshop, payload: Payload) -> Payload:
    url, told = payload["log"]["remoteLocation"], "LogStatusNotification"
    shop.charger.soon(shop.upload(url, action=told, request_id=payload["requestId"], failed="UploadFailure"))
    return {"status": "Accepted", "filename": f"{shop.charger.charger_id}.log"}
