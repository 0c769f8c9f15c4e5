"""`ocpi-hub certificate …` and the security commands of `charger`, as a person at a terminal uses them."""

import json
import os

import pytest
from cryptography import x509

from ocpi_hub.admin.chargers import NewChargerBody, add
from ocpi_hub.chargers.binding import bind
from tests.cli.forked import ocpi_hub
from tests.world.chargers import LOCATION
from tests.world.hub import SECRET, running_hub


@pytest.fixture
async def terminal(database_url, redis_url):
    """Runs a command against a hub that has one charger, BOX-1."""
    async with running_hub(database_url, redis_url) as hub:
        bind(hub.resources)
        await add(hub.resources, NewChargerBody(id="BOX-1", location=LOCATION))
    environment = {
        "OCPI_HUB_DATABASE_URL": database_url,
        "OCPI_HUB_REDIS_URL": redis_url,
        "OCPI_HUB_SECRET_KEY": SECRET,
    }

    def run(*words):
        return ocpi_hub(words, {**os.environ, **environment})

    return run


def failed(result, said):
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("ocpi-hub: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


async def test_the_hubs_own_authority_is_printed_and_stays_the_same(terminal):
    first = terminal("certificate", "authority")
    assert (first.returncode, first.stderr) == (0, "")
    assert x509.load_pem_x509_certificate(first.stdout.encode()).subject.rfc4514_string().startswith("CN=OCPI Hub")
    assert terminal("certificate", "authority").stdout == first.stdout


async def test_what_is_not_there_is_said_in_a_sentence(terminal, tmp_path):
    assert "no charger has asked" in terminal("certificate", "list").stdout
    assert json.loads(terminal("certificate", "list", "--waiting", "--json").stdout) == []
    assert "no security event" in terminal("charger", "security-events", "BOX-1").stdout
    failed(terminal("certificate", "approve", "nothing"), "there is no certificate nothing")
    failed(terminal("certificate", "approve", "nothing", "--chain", str(tmp_path / "no.pem")), "there is no file")
    failed(terminal("charger", "security-events", "BOX-2"), "there is no charger BOX-2")


async def test_a_charger_that_is_away_cannot_be_asked(terminal):
    for command in ("rotate-password", "certificates", "install-certificate", "renew-certificate"):
        failed(terminal("charger", command, "BOX-1"), "BOX-1 is not connected")
    failed(terminal("charger", "install-certificate", "BOX-1", "--type", "Nonsense"), "type")
    failed(terminal("charger", "renew-certificate", "BOX-1", "--type", "Nonsense"), "type")
    failed(terminal("charger", "renew-certificate", "BOX-1", "--type", "V2GCertificate"), "BOX-1 is not connected")
