"""The vault: sealing, digests, and keys for one purpose."""

import pytest

from ocpi_hub.base.secrets import Vault, new_secret
from ocpi_hub.base.settings import Settings


def test_a_sealed_secret_is_unreadable_and_comes_back():
    vault = Vault("a master key of some length")
    sealed = vault.seal("the partner's token")
    assert "partner" not in sealed
    assert vault.unseal(sealed) == "the partner's token"


def test_another_key_cannot_open_it():
    sealed = Vault("a master key of some length").seal("x")
    with pytest.raises(ValueError, match="OCPI_HUB_SECRET_KEY"):
        Vault("another master key of length").unseal(sealed)


def test_digests_are_equal_for_equal_secrets_and_depend_on_the_key():
    one, other = Vault("a master key of some length"), Vault("another master key of length")
    assert one.digest("t") == one.digest("t")
    assert len({one.digest("t"), one.digest("u"), other.digest("t")}) == 3
    assert one.derive("chargers") != one.derive("digest")


def test_a_new_secret_fits_a_credentials_token():
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(s) <= 64 and s.isascii() and s.isprintable() and " " not in s for s in secrets)


def test_without_a_key_there_is_no_vault():
    with pytest.raises(ValueError, match="OCPI_HUB_SECRET_KEY"):
        Vault.of(Settings(secret_key=None, _env_file=None))


def test_a_new_secret_can_be_written_at_a_command_line(monkeypatch):
    made = iter(["-3abc", "-", "a-3"])
    monkeypatch.setattr("ocpi_hub.base.secrets.secrets.token_urlsafe", lambda _bytes: next(made))
    assert new_secret() == "a-3"
