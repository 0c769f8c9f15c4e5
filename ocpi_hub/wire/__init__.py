"""What partners say: canonical OCPI 2.2.1. pydantic and the standard library, no I/O, no clock."""
