"""How passwords are kept and checked, and guessing slowed down."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from bridge_ocpp import passwords
from bridge_ocpp.passwords import Doorman

PEPPER, SALT = b"p" * 32, b"s" * 16
NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"


def accepted(kept: str, presented: bytes) -> bool:
    digest = passwords.digest(kept, salt=SALT, pepper=PEPPER)
    return passwords.matches(presented, salt=SALT, kept=digest, pepper=PEPPER)


@pytest.mark.parametrize(
    ("kept", "presented", "right"),
    [
        ("a-good-password", b"a-good-password", True),
        ("a-good-password", b"a-good-passwort", False),
        ("a-good-password", b"", False),
        ("pässword", "pässword".encode(), True),
        pytest.param(KEY, KEY.encode(), True, id="hex as hex"),
        pytest.param(KEY, KEY.lower().encode(), True, id="hex in the other case"),
        pytest.param(KEY, bytes.fromhex(KEY), True, id="hex as its bytes"),
        pytest.param("twenty-characters-ok", b"twenty-characters-ok".hex().encode(), True, id="text as hex"),
        pytest.param("g" * 40, b"g" * 40, True, id="40 characters that are no hex"),
    ],
)
def test_the_password_is_accepted_in_every_form_of_it(kept: str, presented: bytes, right: bool) -> None:
    assert accepted(kept, presented) is right


def test_a_charger_without_a_password_and_one_that_does_not_exist_match_nothing() -> None:
    assert not passwords.matches(b"", salt=None, kept=None, pepper=PEPPER)
    assert not passwords.matches(b"\0" * 32, salt=None, kept=None, pepper=PEPPER)


def test_the_digest_needs_salt_and_pepper() -> None:
    digest = passwords.digest("a-good-password", salt=SALT, pepper=PEPPER)
    assert digest != passwords.digest("a-good-password", salt=b"t" * 16, pepper=PEPPER)
    assert digest != passwords.digest("a-good-password", salt=SALT, pepper=b"q" * 32)


@pytest.mark.parametrize("password", ["short", "x" * 65, "with\nnewline"])
def test_a_password_that_chargers_cannot_carry_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="8 to 64"):
        passwords.checked(password)


def header(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


@pytest.mark.parametrize(
    ("value", "charger_id", "password"),
    [
        (header(b"CP1:secret"), "CP1", b"secret"),
        (header(b"cp1:secret"), "CP1", b"secret"),
        (header(b"CP1:se:cret"), "CP1", b"se:cret"),
        (header(b"CP:1:secret"), "CP:1", b"secret"),
        (header(b"CP1:"), "CP1", b""),
        (header(b"CP1:\xff\x00"), "CP1", b"\xff\x00"),
        (header(b"CP2:secret"), "CP1", None),
        (header(b"CP1"), "CP1", None),
        ("basic " + base64.b64encode(b"CP1:x").decode(), "CP1", b"x"),
        ("Bearer abc", "CP1", None),
        ("Basic not-base64!", "CP1", None),
        (None, "CP1", None),
        ("", "CP1", None),
    ],
)
def test_basic_headers(value: str | None, charger_id: str, password: bytes | None) -> None:
    assert passwords.read_basic(value, charger_id) == password


def test_after_ten_failures_one_address_is_looked_at_once_in_ten_seconds() -> None:
    doorman = Doorman()
    for _ in range(9):
        doorman.failed("6.6.6.6", "cp1", now=NOW)
    assert not doorman.turns_away("6.6.6.6", "cp1", now=NOW)
    doorman.failed("6.6.6.6", "cp1", now=NOW)
    assert doorman.turns_away("6.6.6.6", "cp1", now=NOW + timedelta(seconds=9))
    assert not doorman.turns_away("6.6.6.6", "cp2", now=NOW)
    assert not doorman.turns_away("9.9.9.9", "cp1", now=NOW)
    later = NOW + timedelta(seconds=10)
    assert not doorman.turns_away("6.6.6.6", "cp1", now=later)
    assert doorman.turns_away("6.6.6.6", "cp1", now=later), "the look was taken"
    doorman.failed("6.6.6.6", "cp1", now=later)
    assert doorman.turns_away("6.6.6.6", "cp1", now=later + timedelta(seconds=9))
    quiet = later + timedelta(minutes=15)
    assert [doorman.turns_away("6.6.6.6", "cp1", now=quiet) for _ in range(3)] == [False] * 3


def test_a_password_that_was_mended_lets_the_charger_in_after_many_wrong_ones() -> None:
    doorman = Doorman()
    for _ in range(30):
        doorman.failed("6.6.6.6", "cp1", now=NOW)
    at = NOW + timedelta(seconds=10)
    assert not doorman.turns_away("6.6.6.6", "cp1", now=at)
    doorman.passed("6.6.6.6", "cp1")
    assert not doorman.turns_away("6.6.6.6", "cp1", now=at)


def test_the_right_password_forgets_the_wrong_ones() -> None:
    doorman = Doorman()
    for _ in range(9):
        doorman.failed("a", "cp1", now=NOW)
    doorman.passed("a", "cp1")
    doorman.failed("a", "cp1", now=NOW)
    assert not doorman.turns_away("a", "cp1", now=NOW)


def test_the_memory_of_failures_is_bounded() -> None:
    doorman = Doorman()
    for number in range(passwords.REMEMBERED + 50):
        doorman.failed("a", f"cp{number}", now=NOW)
    assert len(doorman._guesses) == passwords.REMEMBERED
