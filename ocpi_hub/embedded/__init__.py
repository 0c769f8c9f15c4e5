"""The servers of a newcomer: real PostgreSQL and Valkey from wheels, and the supervisor of `serve`.

Knows processes, folders and sockets. No OCPI and no OCPP word may come in here.
"""

from ocpi_hub.embedded.processes import EmbeddedError
from ocpi_hub.embedded.runfile import attach

__all__ = ["EmbeddedError", "attach"]
