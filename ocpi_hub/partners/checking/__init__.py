"""Checking how a partner conforms to the specification, against its live endpoints: nothing is written there."""
