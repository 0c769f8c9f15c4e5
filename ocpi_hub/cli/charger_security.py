"""`ocpi-hub charger …`, the security of the link: rotate-password, set-password, security-events, certificates."""

from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub.cli.chargers import AsJson, Id
from ocpi_hub.cli.output import CommandFailed, print_json, print_pairs, print_table, with_hub


def rotate_password(charger_id: Id) -> None:
    """Give a connected charger a new password, which nobody else learns; the old one stays until it has accepted."""
    from ocpi_hub.admin.security import rotate_password as rotate

    answer = with_hub(lambda resources: rotate(resources, charger_id))
    later = "; it counts after the charger's next reboot, until then the old one does, too"
    print(f"{charger_id} has a new password{later if answer['status'] == 'RebootRequired' else ''}")
    print(f"Only the charger knows it. For one that you can type in: ocpi-hub charger set-password {charger_id}")


def set_password(
    charger_id: Id,
    password: Annotated[str | None, typer.Option(help="8 to 64 characters; made and printed once if absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which password a charger must use from now on; the charger is not told, so set it there, too."""
    from ocpi_hub.admin.chargers import ChangeBody, change
    from ocpi_hub.base.secrets import new_secret

    made = new_secret()[:32] if password is None else None
    body = ChangeBody.model_validate({"password": password if made is None else made})
    changed = with_hub(lambda resources: change(resources, charger_id, body))
    if as_json:
        print_json({"id": changed["id"]} | ({"password": made} if made is not None else {}))
        return
    print_pairs({"charger": changed["id"], "password": made or "as you gave it"})
    print("The old one opens nothing any more: set the new one at the charger before it next connects.")


def security_events(
    charger_id: Id,
    critical: Annotated[bool, typer.Option("--critical", help="Only critical ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """What the charger saw happen to its security, newest first."""
    from ocpi_hub.admin.security import security_events as events_of

    found = with_hub(lambda resources: events_of(resources, charger_id, critical=True if critical else None))
    if as_json:
        print_json(found)
        return
    rows = [(e["at"], e["type"], "critical" if e["critical"] else "", e["info"]) for e in found]
    print_table(("time", "event", "", "info"), rows, empty=f"{charger_id} has told no security event")


def certificates(charger_id: Id, as_json: AsJson = False) -> None:
    """The root certificates that a connected charger has installed."""
    from ocpi_hub.admin.security import installed

    found = with_hub(lambda resources: installed(resources, charger_id))
    if as_json:
        print_json(found)
        return
    rows = [(c["serial_number"], c["type"], c["hash_algorithm"], c["issuer_name_hash"]) for c in found]
    columns = ("serial number", "type", "hash", "issuer's name")
    print_table(columns, rows, empty=f"{charger_id} has no certificate installed")


def install_certificate(
    charger_id: Id,
    file: Annotated[Path | None, typer.Option(help="PEM file; absent: the hub's own authority.")] = None,
    kind: Annotated[str, typer.Option("--type", help="Such as CSMSRootCertificate.")] = "CSMSRootCertificate",
) -> None:
    """Have a connected charger trust a root certificate."""
    from ocpi_hub.admin.security import InstallBody, install

    try:
        certificate = None if file is None else file.read_text()
    except FileNotFoundError:
        raise CommandFailed(f"there is no file {file}") from None
    body = InstallBody.model_validate({"type": kind, "certificate": certificate})
    with_hub(lambda resources: install(resources, charger_id, body))
    print(f"{charger_id} trusts it")


def renew_certificate(
    charger_id: Id,
    kind: Annotated[
        str, typer.Option("--type", help="Towards cars: V2GCertificate, or V2G20Certificate of OCPP 2.1.")
    ] = "ChargingStationCertificate",
) -> None:
    """Ask a connected charger to request a new certificate: of its own, or towards cars."""
    from ocpi_hub.admin.security import RenewBody, renew

    body = RenewBody.model_validate({"type": kind})
    with_hub(lambda resources: renew(resources, charger_id, body))
    print(f"{charger_id} was asked; see ocpi-hub certificate list")


def add_to(app: typer.Typer) -> None:
    """The commands of this file, among those of `charger`."""
    app.command("rotate-password", epilog="Example: ocpi-hub charger rotate-password BOX-1")(rotate_password)
    app.command("set-password", epilog="Example: ocpi-hub charger set-password BOX-1")(set_password)
    app.command("security-events", epilog="Example: ocpi-hub charger security-events BOX-1 --critical")(security_events)
    app.command("certificates", epilog="Example: ocpi-hub charger certificates BOX-1")(certificates)
    app.command("install-certificate", epilog="Example: ocpi-hub charger install-certificate BOX-1 --file ca.pem")(
        install_certificate
    )
    app.command("renew-certificate", epilog="Example: ocpi-hub charger renew-certificate BOX-1")(renew_certificate)
