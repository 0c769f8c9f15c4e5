"""The picture of the documentation: made by its script from the balancer, and never above the line."""

import importlib.util
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def script():
    spec = importlib.util.spec_from_file_location("build_site_picture", DOCS / "build_site_picture.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_what_the_balancer_does():
    made = script()
    seen = made.morning()
    assert made.draw(seen) == (DOCS / "smart-charging.svg").read_text()
    for moment in seen:
        assert sum(moment.drawn) <= moment.counts <= moment.limit
    assert {state for moment in seen for state in moment.states} == {"free", "waiting", "charging", "full"}
