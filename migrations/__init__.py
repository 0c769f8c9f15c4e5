"""The history of the schema; installed as ocpi_hub/_migrations."""
