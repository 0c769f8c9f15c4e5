"""`python -m ocpi_hub.cli` is `ocpi-hub`."""

from ocpi_hub.cli import main

main()
