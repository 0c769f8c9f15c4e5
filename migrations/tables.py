"""Every table of the house, in one place: what migrations compare with and what tests may create."""

import importlib

from sqlalchemy import MetaData
from sqlmodel import SQLModel

MODULES = (
    "ocpi_hub.objects.tables",
    "ocpi_hub.partners.tables",
    "ocpi_hub.routing.tables",
    "ocpi_hub.delivery.tables",
    "ocpi_hub.delivery.pulling.tables",
    "ocpi_hub.chargers.tables",
    "ocpi_hub.chargers.list_tables",
    "ocpi_hub.clearing.tables",
    "bridge_ocpp.tables",
    "bridge_ocpp.devices.stream_tables",
    "bridge_ocpp.security.tables",
    "bridge_ocpp.devices.tables",
    "bridge_ocpp.errands.tables",
    "bridge_ocpp.upkeep.tables",
    "bridge_ocpp.upkeep.publishing_tables",
    "bridge_ocpp.smart.tables",
    "bridge_ocpp.upkeep.watch_tables",
)

for name in MODULES:
    importlib.import_module(name)

metadata: MetaData = SQLModel.metadata
