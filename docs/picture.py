"""Draws docs/demo.svg: runs the demo once and keeps what it printed. Run it with `python docs/picture.py`."""

import asyncio
import re
import sys
from pathlib import Path

from rich.console import Console

from ocpi_hub.base.settings import Settings
from ocpi_hub.simulator.demo import run_demo

if __name__ == "__main__":
    console = Console(record=True, width=110, force_terminal=True)
    status = asyncio.run(run_demo(Settings(), once=True, console=console))
    if status == 0:
        picture = Path(__file__).with_name("demo.svg")
        drawn = console.export_svg(title="make demo ARGS=--once")
        # The fonts that the drawing would fetch from elsewhere are left out: any monospace font does.
        picture.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))
    sys.exit(status)
