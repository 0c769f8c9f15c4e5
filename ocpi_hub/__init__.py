"""An OCPI 2.2.1 roaming hub: partners speak OCPI, chargers speak OCPP, and between them stand objects.

The floors, from the ground up, are in docs/architecture.md and are enforced by tests/test_floors.py.
"""

__version__ = "0.1.0"
