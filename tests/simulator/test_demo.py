"""The demo as a newcomer runs it: a whole hub as child processes, partners and chargers over real sockets."""

import io
import tempfile
from pathlib import Path

from rich.console import Console

from ocpi_hub.simulator.demo import run_demo


async def test_a_charge_roams_and_the_demo_says_so():
    out = io.StringIO()
    with tempfile.TemporaryDirectory(prefix="ocpi-hub-tests-") as folder:
        Path(folder).chmod(0o755)
        status = await run_demo(once=True, console=Console(file=out, width=120), folder=Path(folder) / "demo")
    said = out.getvalue()
    assert status == 0, said
    for line in ("GreenApp", "registered with NL/HUB", "StationCo is CONNECTED", "received CDR", "total_cost"):
        assert line in said
    assert said.count("as the eMSP received it") == 2


async def test_a_hub_that_cannot_start_is_told_in_a_sentence(tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    out = io.StringIO()
    status = await run_demo(once=True, console=Console(file=out, width=120), folder=blocked / "demo")
    assert status == 1
    assert "The demo failed" in out.getvalue()
