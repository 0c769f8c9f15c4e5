"""docs/ocpp-actions.md says which action is handled where, and tested where; here it is held to it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.schemas import Edition
from tests import spoken

ROOT = Path(__file__).parent.parent.parent


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_actions", ROOT / "docs" / "build_actions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def edition_of(dialect: Dialect) -> Edition:
    return Edition(dialect.schema_folder, dialect.request_suffix)


def test_the_page_is_what_its_script_makes() -> None:
    """Run `python docs/build_actions.py` after a change of a dialect, or of what the tests exchange."""
    assert script().PAGE.read_text() == script().build()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.protocol)
def test_tables_name_only_what_the_version_has(dialect: Dialect) -> None:
    edition, actions = edition_of(dialect), script()
    assert set(dialect.inbound) <= edition.actions & actions.FROM_CHARGER
    assert set(dialect.sends) <= edition.unanswered & actions.FROM_CHARGER
    asked = {outbound.action for outbound in dialect.outbound.values()}
    assert asked <= edition.actions - (actions.FROM_CHARGER - actions.BOTH_WAYS)


def test_every_action_has_a_direction() -> None:
    every = set().union(*(edition_of(d).actions | edition_of(d).unanswered for d in DIALECTS.values()))
    assert every >= script().FROM_CHARGER


def test_the_tests_that_are_named_exist() -> None:
    assert [name for name in spoken.claims() if not (ROOT / name).exists()] == []
