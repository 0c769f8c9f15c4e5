"""The command line: `ocpi-hub …`. Each file holds the commands of one noun; this one puts them together.

Exit status 0, 1 (it failed) or 2 (wrong use); an error is one clear sentence on stderr.
"""

import sys

import typer
from pydantic import ValidationError

from ocpi_hub.cli import (
    agreements,
    alerts,
    cards,
    cdrs,
    certificates,
    charger_security,
    chargers,
    firmware,
    invitations,
    messages,
    partners,
    publications,
    run,
    simulate,
    sites,
    tariffs,
)
from ocpi_hub.cli import devices as _devices  # noqa: F401 - more commands of a charger
from ocpi_hub.cli import displays as _displays  # noqa: F401
from ocpi_hub.cli import logs as _logs  # noqa: F401
from ocpi_hub.cli import watch as _watch  # noqa: F401
from ocpi_hub.cli.output import fail, known_errors
from ocpi_hub.wire.errors import from_validation

app = typer.Typer(
    name="ocpi-hub",
    help="An OCPI 2.2.1 roaming hub with an OCPP central system inside.",
    epilog="Example: ocpi-hub serve",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
run.add_to(app)
messages.add_to(app)
app.add_typer(partners.app, name="partner")
app.add_typer(invitations.app, name="invitation")
app.add_typer(agreements.app, name="agreement")
charger_security.add_to(chargers.app)
app.add_typer(chargers.app, name="charger")
app.add_typer(cards.app, name="card")
app.add_typer(tariffs.app, name="tariff")
app.add_typer(certificates.app, name="certificate")
app.add_typer(alerts.app, name="alert")
app.add_typer(cdrs.app, name="cdr")
app.add_typer(firmware.app, name="firmware")
app.add_typer(publications.app, name="publication")
app.add_typer(sites.app, name="site")
app.add_typer(simulate.app, name="simulate")


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except ValidationError as error:
        fail(from_validation(error).message)
    except known_errors() as error:
        fail(str(error) or type(error).__name__)
