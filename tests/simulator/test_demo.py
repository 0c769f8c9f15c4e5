"""The demo as a newcomer runs it: a whole hub as child processes, partners and chargers over real sockets."""

import io
import socket
import tempfile
from pathlib import Path

from rich.console import Console

from ocpi_hub.base.settings import Settings
from ocpi_hub.simulator.demo import run_demo


async def test_a_charge_roams_and_the_demo_says_so():
    out = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-tests-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data_dir=Path(folder), port=0, ocpp_port=0)
        status = await run_demo(settings, once=True, console=Console(file=out, width=120))
        assert (Path(folder) / "demo").is_dir()
    said = out.getvalue()
    assert status == 0, said
    for line in ("GreenApp", "registered with NL/HUB", "StationCo is CONNECTED", "received CDR", "total_cost"):
        assert line in said
    assert said.count("as the eMSP received it") == 2


async def test_a_hub_that_cannot_start_is_told_in_a_sentence(tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    out = io.StringIO()
    settings = Settings(data_dir=blocked, port=0, ocpp_port=0)
    status = await run_demo(settings, once=True, console=Console(file=out, width=120))
    assert status == 1
    assert "The demo failed" in out.getvalue()


async def test_a_port_that_was_asked_for_and_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port, out = other.getsockname()[1], io.StringIO()
        settings = Settings(data_dir=tmp_path, port=0, ocpp_port=port)
        status = await run_demo(settings, once=True, console=Console(file=out, width=120))
    assert status == 1
    assert f"port {port} is taken: set OCPI_HUB_OCPP_PORT" in out.getvalue()
