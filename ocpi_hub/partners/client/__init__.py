"""Calls to partners: the only room that imports httpx. What came of a call is a value, never an exception.

`calling` asks, `transport` opens sockets that the guard has judged, `failing` says in a phrase why nothing came of it.
"""

from ocpi_hub.partners.answers import Refused, Relayed, Result, Told, Trouble, Unreachable
from ocpi_hub.partners.client.calling import PartnerClient

__all__ = ["PartnerClient", "Refused", "Relayed", "Result", "Told", "Trouble", "Unreachable"]
