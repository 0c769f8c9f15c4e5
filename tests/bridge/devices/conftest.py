"""A bridge that looks for errands all the time."""

from dataclasses import replace

import pytest

from bridge_ocpp.config import BridgeConfig


@pytest.fixture
def config(config: BridgeConfig) -> BridgeConfig:
    return replace(config, errand_interval=0.05)
