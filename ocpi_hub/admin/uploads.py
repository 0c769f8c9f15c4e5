"""Where chargers upload their logs: /uploads/{secret}, open to whoever knows the secret of a log that is awaited.

The file is kept in DATA_DIR/uploads under the log's id; the secret is kept as a digest only.
"""

import asyncio
import hashlib
import secrets
import time
from pathlib import Path

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bridge_ocpp.port import UpkeepBook
from ocpi_hub.admin.answers import ResourcesDep
from ocpi_hub.base.resources import Resources

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)

PART = ".part"
ABANDONED = 24 * 3600
"""Seconds after which a file that nobody finished is removed."""


def new_address(resources: Resources) -> tuple[str, str]:
    """A URL of ours that can be guessed by nobody, and the digest that it is known by."""
    secret = secrets.token_urlsafe(32)
    return f"{resources.settings.api_url}/uploads/{secret}", digest(secret)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def folder(resources: Resources) -> Path:
    return resources.settings.data_dir / "uploads"


def file_of(resources: Resources, log_id: str) -> Path:
    """Where the file of this log is, or would be."""
    return folder(resources) / log_id


@router.put("/uploads/{secret}")
@router.post("/uploads/{secret}")
@router.put("/uploads/{secret}/{name:path}")
@router.post("/uploads/{secret}/{name:path}")
async def take_upload(secret: str, request: Request, resources: ResourcesDep, name: str = "") -> JSONResponse:
    """A charger's file, as the body. Chargers that add a file name to the URL may; it changes nothing."""
    book = resources.get(UpkeepBook)  # type: ignore[type-abstract]
    async with resources.unit_of_work() as db:
        awaited = await book.log_awaiting(digest(secret), db)
    if awaited is None:
        return JSONResponse({"error": "nothing is awaited here"}, 404)
    await asyncio.to_thread(prune, resources)
    size = await _kept(request, file_of(resources, awaited.id), limit=resources.settings.upload_limit)
    if size is None:
        log.warning("upload.too_large", charger=awaited.charger, log=awaited.id)
        return JSONResponse({"error": "the file is larger than OCPI_HUB_UPLOAD_LIMIT"}, 413)
    async with resources.unit_of_work() as db:
        await book.log_uploaded(awaited.id, size, db)
    log.info("upload.taken", charger=awaited.charger, log=awaited.id, size=size)
    return JSONResponse({"size": size}, 201)


async def _kept(request: Request, file: Path, *, limit: int) -> int | None:
    """Write the body to the file; its size, or None where it is larger than allowed. Half a file is none."""
    await asyncio.to_thread(lambda: file.parent.mkdir(mode=0o700, parents=True, exist_ok=True))
    part = file.with_name(f"{file.name}-{secrets.token_hex(4)}{PART}")
    size = 0
    try:
        with await asyncio.to_thread(part.open, "wb") as out:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    return None
                await asyncio.to_thread(out.write, chunk)
        await asyncio.to_thread(part.replace, file)
    finally:
        part.unlink(missing_ok=True)
    return size


def prune(resources: Resources) -> int:
    """Remove files older than OCPI_HUB_UPLOAD_DAYS, and halves that were left behind; how many."""
    place, now, removed = folder(resources), time.time(), 0
    for file in place.iterdir() if place.is_dir() else ():
        age = now - file.stat().st_mtime
        if age > (ABANDONED if file.name.endswith(PART) else resources.settings.upload_days * 24 * 3600):
            file.unlink(missing_ok=True)
            removed += 1
    return removed
