"""A running hub for the tests of partners."""

from collections.abc import AsyncIterator

import pytest

from tests.world.hub import Hub, running_hub


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url) as running:
        yield running
