"""Settings: read from the environment, each documented, wrong ones refused by name."""

import pytest
from pydantic import ValidationError

from ocpi_hub.base.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_every_setting_says_what_it_means():
    undocumented = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undocumented == []


def test_they_come_from_the_environment_and_from_a_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("OCPI_HUB_PARTY_ID=ABC\nOCPI_HUB_PORT=1234\n")
    monkeypatch.setenv("OCPI_HUB_PORT", "8080")
    settings = Settings()
    assert (settings.party_id, settings.port) == ("ABC", 8080)
    assert settings.api_url == "http://127.0.0.1:8080"


def test_certificates_and_keys_come_in_pairs(monkeypatch):
    monkeypatch.setenv("OCPI_HUB_OCPP_TLS_CERTIFICATE", "/etc/ec.pem, /etc/rsa.pem")
    with pytest.raises(ValidationError, match="2 certificates"):
        Settings()
    monkeypatch.setenv("OCPI_HUB_OCPP_TLS_KEY", "/etc/ec.key,/etc/rsa.key")
    settings = Settings()
    assert [str(path) for path in settings.ocpp_tls_key] == ["/etc/ec.key", "/etc/rsa.key"]
    assert settings.ocpp_url == "wss://127.0.0.1:9000"
    monkeypatch.setenv("OCPI_HUB_OCPP_TLS_PORT", "9443")
    assert Settings().ocpp_url == "wss://127.0.0.1:9443"
    monkeypatch.delenv("OCPI_HUB_OCPP_TLS_CERTIFICATE")
    with pytest.raises(ValidationError, match="0 certificates"):
        Settings()


def test_networks_are_a_comma_separated_list(monkeypatch):
    monkeypatch.setenv("OCPI_HUB_PARTNER_NETWORKS", "127.0.0.0/8, ::1")
    assert Settings().partner_networks == ("127.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "high"), ("PARTNER_NETWORKS", "home"), ("PARTY_ID", "A/B"), ("AGREEMENTS", "maybe"), ("LEASE", "0")],
)
def test_a_wrong_one_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(f"OCPI_HUB_{name}", value)
    with pytest.raises(ValidationError) as error:
        Settings()
    assert error.value.errors()[0]["loc"] == (name.lower(),)


def test_public_urls_have_no_trailing_slash():
    settings = Settings(public_url="https://hub.example/", ocpp_public_url="wss://ocpp.example/")
    assert (settings.api_url, settings.ocpp_url) == ("https://hub.example", "wss://ocpp.example")
    assert Settings(host="0.0.0.0", ocpp_host="::").api_url == "http://127.0.0.1:8000"


def test_secrets_do_not_print():
    settings = Settings(admin_key="very-secret-key", secret_key="very-secret-key-2")
    assert "very-secret" not in repr(settings)
