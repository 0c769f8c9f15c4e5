"""The objects room on a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from ocpi_hub.base.resources import open_resources
from ocpi_hub.base.settings import Settings
from tests.objects.hub import Hub


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    settings = Settings(_env_file=None, database_url=database_url, redis_url=redis_url)
    async with open_resources(settings) as resources:
        yield Hub(resources)
