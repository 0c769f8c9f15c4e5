"""The OCPP central system: a tower of its own that never imports ocpi_hub.

`port/` is the only doorway between this tower and whoever owns the chargers' business side.
"""
