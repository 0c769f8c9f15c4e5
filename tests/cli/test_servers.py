"""A server that is away, or says no, is named at the terminal with what to do; never by an errno."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis.exceptions

from ocpi_hub.base.settings import Settings
from ocpi_hub.cli.output import CommandFailed
from ocpi_hub.cli.servers import naming_servers
from tests.cli.hub import command_line
from tests.world.hub import SECRET


@pytest.fixture
def nobody():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def terminal(tmp_path, *words, **settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCPI_HUB_")}
    environment = kept | {"OCPI_HUB_DATA_DIR": str(tmp_path / "data"), "OCPI_HUB_SECRET_KEY": SECRET, **settings}
    command = [sys.executable, "-m", "ocpi_hub.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)


def one_sentence(result):
    assert result.returncode == 1, result
    assert result.stderr.startswith("ocpi-hub: ")
    assert result.stderr.count("\n") == 1
    assert "Errno" not in result.stderr
    return result.stderr.strip().removeprefix("ocpi-hub: ")


@pytest.mark.parametrize("words", [("partner", "list"), ("migrate",), ("bridge",)])
def test_a_database_that_is_away(tmp_path, nobody, redis_url, words):
    url = f"postgresql://a:secret@127.0.0.1:{nobody}/hub"
    given = {"OCPI_HUB_DATABASE_URL": url, "OCPI_HUB_REDIS_URL": redis_url, "OCPI_HUB_OCPP_PORT": "0"}
    said = one_sentence(terminal(tmp_path, *words, **given))
    assert said == (
        f"PostgreSQL at 127.0.0.1:{nobody} cannot be reached (connection refused): "
        "start it, or set OCPI_HUB_DATABASE_URL to another"
    )


def test_a_valkey_that_is_away_is_named(nobody, database_url):
    """Nothing of the command line needs it for long, so its failure is raised here."""
    settings = Settings(database_url=database_url, redis_url=f"redis://:secret@127.0.0.1:{nobody}/0")
    with pytest.raises(CommandFailed) as failed, naming_servers(settings):
        raise redis.exceptions.ConnectionError("Error 111 connecting")
    assert str(failed.value).startswith(f"Valkey at 127.0.0.1:{nobody} cannot be reached (connection refused)")


def test_a_file_that_is_not_there_is_no_server(database_url, redis_url):
    with pytest.raises(FileNotFoundError), naming_servers(Settings(database_url=database_url, redis_url=redis_url)):
        Path("/no/such/file").read_text()


def test_a_database_that_says_no_is_quoted_and_no_password_is_shown(tmp_path, database_url, redis_url):
    parts = urlsplit(database_url)
    url = parts._replace(path="/no_such_database").geturl()
    given = {"OCPI_HUB_DATABASE_URL": url, "OCPI_HUB_REDIS_URL": redis_url}
    said = one_sentence(terminal(tmp_path, "charger", "list", **given))
    assert said.startswith("PostgreSQL at ")
    assert 'database "no_such_database" does not exist' in said
    given["OCPI_HUB_DATABASE_URL"] = "nonsense"
    assert "OCPI_HUB_DATABASE_URL: must be like" in one_sentence(terminal(tmp_path, "charger", "list", **given))


@pytest.mark.parametrize("part", ["api", "bridge", "worker", "migrate"])
def test_a_part_alone_names_the_settings_that_it_needs(tmp_path, part):
    said = one_sentence(terminal(tmp_path, part))
    assert said.startswith(f"`{part}` needs OCPI_HUB_DATABASE_URL")
    assert ("OCPI_HUB_REDIS_URL" in said) == (part != "migrate")


def test_a_part_whose_port_is_taken_says_which_setting_names_it(tmp_path, database_url, redis_url):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        given = {"OCPI_HUB_DATABASE_URL": database_url, "OCPI_HUB_REDIS_URL": redis_url, "OCPI_HUB_PORT": str(port)}
        said = one_sentence(terminal(tmp_path, "api", **given))
    assert said.startswith(f"cannot listen on 127.0.0.1:{port}")
    assert "OCPI_HUB_PORT" in said


def test_health_without_a_hub_says_how_to_start_one(tmp_path, nobody):
    said = one_sentence(terminal(tmp_path, "health", OCPI_HUB_PORT=str(nobody)))
    assert said.startswith(f"no hub answers at 127.0.0.1:{nobody} (connection refused): start it with `ocpi-hub serve`")


def test_a_simulator_whose_hub_or_port_is_not_there(tmp_path, nobody):
    url = f"http://127.0.0.1:{nobody}/ocpi/versions"
    said = one_sentence(terminal(tmp_path, "simulate", "emsp", "--hub", url, "--token", "x", "--port", "0"))
    assert said == f"GET {url}: nobody listens there: is the hub running, and is --hub its versions URL?"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = one_sentence(terminal(tmp_path, "simulate", "cpo", "--port", port))
    assert said == f"port {port} is taken: choose another by --port, or 0 for a free one"


def test_a_roll_out_says_by_which_options_chargers_are_named(database_url, redis_url):
    run = command_line(database_url, redis_url)
    for words in ((), ("--charger", "A", "--vendor", "B")):
        result = run("firmware", "start", "https://images.example/box.bin", *words)
        assert result.returncode == 2
        assert "--having" in result.stderr


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant(tmp_path):
    (tmp_path / ".env").write_text("# ours\nOCPI_HUB_PARTI_ID=ABC\nexport OCPI_HUB_NAME=Lab\n")
    result = terminal(tmp_path, "settings", OCPI_HUB_PRT="1", OCPI_HUB_ZZZZZZZZZZ="1")
    assert result.returncode == 0
    assert result.stderr.splitlines() == [
        "ocpi-hub: warning: there is no setting OCPI_HUB_PARTI_ID: did you mean OCPI_HUB_PARTY_ID?",
        "ocpi-hub: warning: there is no setting OCPI_HUB_PRT: did you mean OCPI_HUB_PORT?",
        "ocpi-hub: warning: there is no setting OCPI_HUB_ZZZZZZZZZZ: `ocpi-hub settings` prints those that there are",
    ]
