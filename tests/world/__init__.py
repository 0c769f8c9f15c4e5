"""The cast of the tests: partners, chargers, and builders of valid objects."""
