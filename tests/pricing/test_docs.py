"""docs/tariffs.md says what the engine does: its examples, its decisions, its findings."""

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import ocpi_hub.pricing
from tests.pricing import test_decisions

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "tariffs.md").read_text()


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_tariffs", ROOT / "docs" / "build_tariffs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_script_makes() -> None:
    """Run `python docs/build_tariffs.py` after a change of the engine's words."""
    assert script().build(PAGE) == PAGE


def test_every_example_is_on_the_page() -> None:
    assert set(re.findall(r"<!-- engine: (\S+) -->", PAGE)) == set(script().BLOCKS)


def test_every_decision_has_its_test() -> None:
    section = PAGE.partition("## Decisions")[2].partition("\n## ")[0]
    keywords = re.findall(r"^- \*\*([a-z-]+)\*\*:", section, re.MULTILINE)
    assert len(keywords) == len(re.findall(r"^- ", section, re.MULTILINE))
    missing = [keyword for keyword in keywords if not hasattr(test_decisions, f"test_{keyword.replace('-', '_')}")]
    assert missing == []


def test_every_code_of_the_audit_is_on_the_page() -> None:
    section = PAGE.partition("| code | says |")[2].partition("\n## ")[0]
    told = {code for row in section.splitlines() for code in re.findall(r"`([a-z_]+)`", row.split(" | ")[0])}
    assert told == set(codes_in_the_source())


def codes_in_the_source() -> set[str]:
    """The texts that are given to Finding as its code, also by a condition or by a table of codes."""
    found: set[str] = set()
    for path in Path(ocpi_hub.pricing.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                found |= texts(node.args[0])
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_CODES":
                assert isinstance(node.value, ast.Dict)
                found |= {text for value in node.value.values for text in texts(value)}
    return found


def texts(node: ast.expr) -> set[str]:
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
