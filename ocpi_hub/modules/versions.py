"""Versions and version details (version_information_endpoint.asciidoc): where everything else of OCPI is found."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Response

from ocpi_hub.dialects.profile import Profile
from ocpi_hub.modules.asking import CallerDep, ResourcesDep, answer
from ocpi_hub.wire.parties import InterfaceRole, ModuleId


@dataclass(frozen=True, slots=True)
class Mounted:
    """One interface that is really there; `path` begins with /ocpi."""

    module: str
    role: InterfaceRole
    path: str


def router(version: str, mounted: Sequence[Mounted]) -> APIRouter:
    """The two endpoints. The details list what is in `mounted` when they are asked for, so they cannot lie."""
    routes = APIRouter(tags=["versions"])

    @routes.get("/ocpi/versions")
    async def get_versions(resources: ResourcesDep) -> Response:
        """Which versions of OCPI we speak."""
        return answer(resources, [{"version": version, "url": f"{resources.settings.api_url}/ocpi/{version}"}])

    @routes.get(f"/ocpi/{version}")
    async def get_details(resources: ResourcesDep, caller: CallerDep) -> Response:
        """Which modules we have in this version, and where."""
        endpoints = [_endpoint(one, resources.settings.api_url, caller.platform.profile) for one in mounted]
        return answer(resources, {"version": version, "endpoints": endpoints})

    return routes


def _endpoint(mounted: Mounted, base: str, profile: Profile) -> dict[str, str]:
    """One Endpoint. The role says nothing on `credentials`, and SENDER is advised (NOTE on Endpoint); a partner that
    looks for another one can have it: `credentials_role` in its profile. So can one that needs a slash at the end."""
    role, slash = mounted.role.value, "/" if profile.endpoint_slash else ""
    if mounted.module == ModuleId.CREDENTIALS:
        role = profile.credentials_role
    return {"identifier": mounted.module, "role": role, "url": f"{base}{mounted.path}{slash}"}
