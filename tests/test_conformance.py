"""docs/conformance.md cannot lie: every row is there, and every test that a row names exists and runs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
ROWS = {
    "T": 15,
    "P": 6,
    "V": 6,
    "C": 14,
    "R": 21,
    "H": 7,
    "L": 10,
    "S": 6,
    "D": 7,
    "F": 5,
    "K": 5,
    "M": 6,
    "G": 4,
    "Y": 10,
}
"""How many requirements each letter has; a new one is added here and on the page."""
EXPECTED = [f"{letter}{number}" for letter, count in ROWS.items() for number in range(1, count + 1)]


def rows() -> list[list[str]]:
    """The cells of each row of the page: id, what is asked, what the hub does, tests."""
    found = [line for line in PAGE.read_text().splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def named_tests(path: Path) -> frozenset[str]:
    """The tests of a file, those of classes as `Class::test`; none that is skipped whatever happens."""

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{prefix}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                skipped = [mark for mark in node.decorator_list if "mark.skip" in ast.unparse(mark)]
                yield from () if skipped else (prefix + node.name,)

    return frozenset(walk(ast.parse(path.read_text()).body, ""))


def test_every_row_is_there_once_and_in_its_order() -> None:
    assert [row[0] for row in rows()] == EXPECTED


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_says_what_and_names_tests_that_exist(row: list[str]) -> None:
    assert len(row) == 4, f"{row[0]} has {len(row)} cells"
    assert all(row), f"{row[0]} leaves a cell empty"
    named = names(row[3])
    assert named, f"{row[0]} names no test"
    for test in named:
        file, _, name = test.partition("::")
        path = ROOT / "tests" / file
        assert path.is_file(), f"{row[0]}: there is no tests/{file}"
        assert name in named_tests(path), f"{row[0]}: there is no test {name} in tests/{file}"


def test_a_test_that_is_named_after_a_row_stands_on_it() -> None:
    """test_h1_pages_follow_each_other is on the row H1, or it is called so for nothing."""
    claimed = re.compile(rf"test_((?:[{''.join(ROWS).lower()}]\d+_)+)")
    on_the_page = {row[0]: set(names(row[3])) for row in rows()}
    missing = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test in sorted(named_tests(path)):
            found = claimed.match(test.rpartition("::")[2])
            name = f"{path.relative_to(ROOT / 'tests').as_posix()}::{test}"
            claims = found[1].strip("_").upper().split("_") if found else []
            missing += [f"{row}: `{name}`" for row in claims if name not in on_the_page.get(row, set())]
    assert not missing, "not on the page: " + ", ".join(missing)
