"""A platform built on the PyPI library `extrawest_ocpi`, as its users build one: run by the tests and benchmarks in
the library's own virtual environment. It imports nothing of ours.

`python extrawest.py ROLE PORT CC/PID`: everything is kept in memory. `/lab/…` is the operator's back office, by which
a test has it register, push, authorize and send commands, and looks at what it has kept.
"""

import asyncio
import logging
import os
import sys
import uuid

ROLE, PORT, PARTY = sys.argv[1], int(sys.argv[2]), sys.argv[3]
COUNTRY_CODE, PARTY_ID = PARTY.split("/")
os.environ |= {
    "ENVIRONMENT": "production",
    "PROTOCOL": "http",
    "OCPI_HOST": f"127.0.0.1:{PORT}",
    "COUNTRY_CODE": COUNTRY_CODE,
    "PARTY_ID": PARTY_ID,
    "CI_STRING_LOWERCASE_PREFERENCE": "false",
}

import httpx  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import Request  # noqa: E402
from py_ocpi.core.adapter import BaseAdapter  # noqa: E402
from py_ocpi.core.authentication.authenticator import Authenticator  # noqa: E402
from py_ocpi.core.config import logger  # noqa: E402
from py_ocpi.core.crud import Crud  # noqa: E402
from py_ocpi.core.dependencies import get_endpoints  # noqa: E402
from py_ocpi.core.endpoints.v_2_2_1.utils import cpo_generator  # noqa: E402
from py_ocpi.core.enums import Action, ModuleID, RoleEnum  # noqa: E402
from py_ocpi.core.push import send_push_request  # noqa: E402
from py_ocpi.core.utils import encode_string_base64  # noqa: E402
from py_ocpi.main import get_application  # noqa: E402
from py_ocpi.modules.cdrs.v_2_2_1.schemas import Cdr, CdrLocation  # noqa: E402
from py_ocpi.modules.versions.enums import VersionNumber  # noqa: E402
from py_ocpi.modules.versions.v_2_2_1.enums import InterfaceRole  # noqa: E402

logger.setLevel(logging.WARNING)
URL = f"http://127.0.0.1:{PORT}/ocpi/versions"
ME = {"role": ROLE.upper(), "country_code": COUNTRY_CODE, "party_id": PARTY_ID, "business_details": {"name": "Extra"}}
VERSION = VersionNumber.v_2_2_1
MODULES = [module for module in ModuleID if module not in (ModuleID.client_info, ModuleID.hub_client_info)]

invited: set[str] = set()  # tokens A: whoever has one may register with us
accepted: set[str] = set()  # what others present to us
theirs: dict = {}  # token, versions URL and endpoints of whom we are connected with
kept: dict = {}  # module → id → object
results: dict = {}  # id in a response_url → CommandResult
charger: dict = {}  # what our charger will say to the next command


class Tokens(Authenticator):
    @classmethod
    async def get_valid_token_c(cls):
        return list(accepted)

    @classmethod
    async def get_valid_token_a(cls):
        return list(invited)


class FullCdrLocation(CdrLocation):
    """The library's class lacks this required field, and so would lose it."""

    evse_uid: str


class FullCdr(Cdr):
    cdr_location: FullCdrLocation


class FullAdapter(BaseAdapter):
    @classmethod
    def cdr_adapter(cls, data, version=VersionNumber.latest):
        return FullCdr(**data)


class Memory(Crud):
    @classmethod
    async def get(cls, module, role, id, *args, **kwargs):
        if module == ModuleID.commands:
            return charger.get("result")
        if module == ModuleID.credentials_and_registration:
            return credentials(kwargs["auth_token"])
        return kept.get(module.value, {}).get(id)

    @classmethod
    async def list(cls, module, role, filters, *args, **kwargs):
        every = list(kept.get(module.value, {}).values())
        end = filters["offset"] + filters["limit"]
        return every[filters["offset"] : end], len(every), end >= len(every)

    @classmethod
    async def create(cls, module, role, data, *args, **kwargs):
        if module == ModuleID.credentials_and_registration:
            return connected(data)
        kept.setdefault(module.value, {})[data.get("uid") or data["id"]] = data
        return data

    @classmethod
    async def update(cls, module, role, data, id, *args, **kwargs):
        if module == ModuleID.credentials_and_registration:
            return connected(data)
        if module == ModuleID.commands:
            results[id] = data
        else:
            kept.setdefault(module.value, {})[id] = data
        return data

    @classmethod
    async def delete(cls, module, role, id, *args, **kwargs):
        if module == ModuleID.credentials_and_registration:
            accepted.discard(id)
            theirs.clear()
        else:
            kept.get(module.value, {}).pop(id, None)

    @classmethod
    async def do(cls, module, role, action, *args, data=None, **kwargs):
        if action == Action.get_client_token:
            return theirs["token"]
        if action == Action.authorize_token:
            return {"allowed": "ALLOWED", "token": kept["tokens"][data["token_uid"]]}
        kept.setdefault("commands", {})[kwargs["command"].value] = args[0]
        return {"result": charger.get("response", "ACCEPTED"), "timeout": 30}


def credentials(token):
    return {"token": token, "url": URL, "roles": [ME]}


def connected(data):
    """Somebody registered with us: the library has asked for its endpoints."""
    theirs.update(token=data["credentials"]["token"], endpoints=data["endpoints"]["endpoints"])
    token = uuid.uuid4().hex
    accepted.add(token)
    return credentials(token)


app = get_application([VERSION], [RoleEnum(ROLE.upper())], Memory, MODULES, Tokens, FullAdapter)
if ROLE == "cpo":
    # The library has this interface, but leaves it out of its version details.
    listed = app.dependency_overrides[get_endpoints]()
    listed[VERSION].append(cpo_generator.generate_endpoint(ModuleID.commands, InterfaceRole.receiver))


async def call(method, url, token, **kwargs):
    headers = {"authorization": f"Token {encode_string_base64(token)}"}
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.request(method, url, headers=headers, **kwargs)
    return {"http": answer.status_code, "body": answer.json()}


def endpoint(module, role):
    return next(e["url"] for e in theirs["endpoints"] if (e["identifier"], e["role"]) == (module, role))


@app.post("/lab/invite")
async def invite(token: str):
    """Somebody may register with this token."""
    invited.add(token)


@app.post("/lab/accept")
async def accept(token: str):
    """For benchmarks: whoever presents this token is let in."""
    accepted.add(token)


@app.post("/lab/register")
async def register(url: str, token: str):
    """Register with somebody: the library has no such thing, every user writes it."""
    versions = (await call("GET", url, token))["body"]["data"]
    details = next(one["url"] for one in versions if one["version"] == "2.2.1")
    theirs["endpoints"] = (await call("GET", details, token))["body"]["data"]["endpoints"]
    mine = uuid.uuid4().hex
    accepted.add(mine)
    there = next(one["url"] for one in theirs["endpoints"] if one["identifier"] == "credentials")
    answer = await call("POST", there, token, json=credentials(mine))
    theirs["token"] = answer["body"]["data"]["token"]
    return answer


@app.post("/lab/push/{module}")
async def push(module: ModuleID, request: Request, plain: bool = False):
    """Keep an object and push it by the library's own push; `plain`: as the library has it."""
    data = await request.json()
    id = data.get("uid") or data["id"]
    kept.setdefault(module.value, {})[id] = data
    token = f"Token {encode_string_base64(theirs['token'])}"
    adapter = BaseAdapter if plain else FullAdapter
    answer = await send_push_request(id, data, module, adapter, token, theirs["endpoints"], VERSION)
    return {"http": answer.status_code, "body": answer.json(), "location": answer.headers.get("location")}


@app.post("/lab/call/{module}/{role}")
async def send(module: str, role: str, method: str, path: str, request: Request):
    """Any call of a module of whom we are connected with."""
    body = await request.body()
    sent = {"json": await request.json()} if body else {}
    return await call(method, f"{endpoint(module, role).rstrip('/')}/{path}", theirs["token"], **sent)


@app.post("/lab/keep/{module}")
async def keep(module: str, request: Request):
    data = await request.json()
    kept.setdefault(module, {})[data.get("uid") or data["id"]] = data


@app.post("/lab/charger")
async def will_say(request: Request):
    charger.update(await request.json())


@app.get("/lab/seen")
async def seen():
    return {"kept": kept, "results": results, "connected": bool(theirs.get("token"))}


if __name__ == "__main__":
    asyncio.run(uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="error", access_log=False)).serve())
