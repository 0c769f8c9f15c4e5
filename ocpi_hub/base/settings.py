"""Every setting of the hub, each with its meaning and its default; read once from the environment.

The prefix is OCPI_HUB_, a `.env` file is read too, and `ocpi-hub settings` prints what is in force.
Nothing else in the house reads the environment.
"""

import ipaddress
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def default_data_dir() -> Path:
    """Where a newcomer's data lives: /var/lib/ocpi-hub for root, the user's data folder otherwise."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/ocpi-hub")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "ocpi-hub"


class Settings(BaseSettings):
    """One frozen value object. Durations are in seconds and sizes in bytes unless a name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="OCPI_HUB_", env_file=".env", extra="ignore", frozen=True)

    # Servers
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL of your own, postgresql://user:password@host/name; unset: an embedded one"
    )
    redis_url: SecretStr | None = Field(
        None, description="Valkey or Redis of your own, redis://host:6379/0; unset: an embedded one"
    )
    data_dir: Path = Field(
        default_factory=default_data_dir, description="Where embedded servers and generated keys are kept"
    )
    embedded_user: str = Field("nobody", description="As root, the existing user that embedded servers run as")
    pg_bin: Path | None = Field(
        None, description="Folder with the programs of the embedded PostgreSQL; unset: those of the installed wheel"
    )

    # Listeners
    host: str = Field("127.0.0.1", description="Address that the HTTP API listens on")
    port: int = Field(8000, ge=0, le=65535, description="Port of the HTTP API")
    ocpp_host: str = Field("127.0.0.1", description="Address that the OCPP WebSocket listens on")
    ocpp_port: int = Field(9000, ge=0, le=65535, description="Port of the OCPP WebSocket")
    public_url: str | None = Field(
        None, description="How partners reach the API, e.g. https://hub.example.com; unset: http://HOST:PORT"
    )
    ocpp_public_url: str | None = Field(
        None,
        description="How chargers reach the bridge, e.g. wss://ocpp.example.com; unset: ws:// or wss://OCPP_HOST:PORT",
    )
    ocpp_tls_certificate: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="PEM file of the bridge's certificate chain, for wss; two (ECDSA and RSA) with a comma between"
    )
    ocpp_tls_key: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        validate_default=True,
        description="PEM file of its key, unencrypted; as many as certificates, in the same order",
    )
    ocpp_tls_client_ca: Path | None = Field(
        None,
        description="PEM file of the authorities whose client certificates chargers may show; the hub's own always may",
    )
    ocpp_tls_port: int | None = Field(
        None, ge=0, le=65535, description="Port for wss beside OCPP_PORT, which then stays ws; unset: OCPP_PORT is wss"
    )
    ocpp_tls_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks of TLS proxies before the bridge: what comes from there came by TLS, comma separated"
    )
    charger_ca: Literal["own", "external"] = Field(
        "own", description="Who signs chargers' certificates: the hub itself, at once, or another CA, by an operator"
    )
    v2g_ca: Literal["own", "external"] = Field(
        "external",
        description="Who signs what chargers show to cars (V2GCertificate): another CA, by an operator, or the hub",
    )
    charger_certificate_days: int = Field(365, ge=1, le=3600, description="Days that a certificate of the hub's lasts")
    contract_authorities: Path | None = Field(
        None,
        description="PEM file of the roots and authorities that issue contracts to cars (ISO 15118), for Plug & Charge",
    )
    contract_certificates_url: str | None = Field(
        None,
        description="Service that answers cars' requests for contract certificates (docs/plug-and-charge.md); "
        "https, or in PARTNER_NETWORKS",
    )
    contract_certificates_token: SecretStr | None = Field(
        None, description="Bearer token for that service; unset: none is sent"
    )
    vat_numbers_url: str | None = Field(
        None,
        description="Service that knows VAT numbers (docs/plug-and-charge.md); https, or in PARTNER_NETWORKS",
    )
    vat_numbers_token: SecretStr | None = Field(None, description="Bearer token for that service; unset: none is sent")
    service_timeout: float = Field(
        5.0, gt=0, description="Seconds that an OCSP responder or one of these services may take while a charger waits"
    )
    ocpp_profile_0: bool = Field(
        False, description="Let chargers of security profile 0 in without a password, on loopback only; for a lab"
    )

    # Who we are
    country_code: str = Field("NL", min_length=2, max_length=2, description="Country code of the hub's own party")
    party_id: str = Field("HUB", min_length=3, max_length=3, description="Party id of the hub's own party")
    name: str = Field("OCPI Hub", max_length=100, description="The hub's name, as partners see it")
    cpo_country_code: str = Field(
        "NL", min_length=2, max_length=2, description="Country code of the party that our own chargers belong to"
    )
    cpo_party_id: str = Field("CPO", min_length=3, max_length=3, description="Party id for our own chargers")

    # Secrets
    admin_key: SecretStr | None = Field(None, description="Bearer key of /admin/v1; made by `serve` if unset")
    secret_key: SecretStr | None = Field(
        None,
        description="Key that encrypts and hashes stored credentials; made if unset; losing it means new handshakes",
    )

    # Logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="JSON lines, or text for people; auto: text where the log is a terminal, else JSON"
    )

    # Roaming
    partner_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks that partners may live in although not public, comma separated, e.g. 127.0.0.0/8"
    )
    agreements: Literal["open", "closed"] = Field(
        "open", description="open: every CPO and eMSP may talk; closed: only those with an agreement"
    )
    body_limit: int = Field(4 * 1024 * 1024, gt=0, description="Largest request body in bytes")
    page_limit: int = Field(200, gt=0, description="Most objects on one page of a list")
    partner_timeout: float = Field(15.0, gt=0, description="Seconds that a partner may take to answer a request")
    answer_limit: int = Field(16 * 1024 * 1024, gt=0, description="Largest answer in bytes that is read from a partner")
    authorize_timeout: float = Field(2.0, gt=0, description="Seconds that a real-time authorisation may take")
    token_grace: float = Field(600.0, ge=0, description="Seconds that a replaced credentials token still works")
    token_rotation: float = Field(
        0.0,
        ge=0,
        description="Seconds after which credentials tokens are renewed, by PUT at the partner; a month is 2592000; "
        "0: only by `partner rotate`",
    )
    invitation_lifetime: float = Field(
        14 * 24 * 3600.0, gt=0, description="Seconds in which a partner may register with an invitation"
    )
    offline_after: float = Field(60.0, gt=0, description="Seconds of only failures before a partner counts as OFFLINE")
    alive_interval: float = Field(
        300.0, gt=0, description="Seconds without a message from a partner before it is asked whether it is there"
    )
    probe_interval: float = Field(30.0, gt=0, description="Seconds between probes of an OFFLINE partner")
    journal_days: int = Field(30, ge=0, description="Days that the journal of messages is kept; 0: there is none")
    journal_bodies: float = Field(
        72.0, ge=0, description="Hours that the bodies of messages are kept in the journal, masked; 0: never"
    )
    cdr_window: float = Field(72 * 3600.0, gt=0, description="Seconds that an undelivered CDR is retried")
    pull_interval: float = Field(
        4 * 3600.0, ge=60, description="Seconds between two pulls of what changed at a partner, a tenth more or less"
    )
    pull_full_interval: float = Field(
        7 * 24 * 3600.0, ge=60, description="Seconds between two pulls of a partner's whole lists"
    )
    pull_history: float = Field(
        30 * 24 * 3600.0, gt=0, description="How far back sessions and CDRs are pulled the first time, in seconds"
    )
    pull_most_pages: int = Field(10_000, gt=0, description="Pages after which a partner's list is no list any more")
    lease: float = Field(60.0, gt=0, description="Seconds that one process may hold a debt before another may take it")
    sweep_interval: float = Field(1.0, gt=0, description="Seconds between two looks for due work")
    worker_processes: int = Field(2, ge=1, description="Celery worker processes that `serve` and `worker` start")

    # Chargers
    heartbeat_interval: int = Field(300, gt=0, description="Seconds between heartbeats, as told to chargers")
    boot_interval: int = Field(60, gt=0, description="Seconds until a charger whose boot was not accepted boots again")
    provisioning: bool = Field(
        True, description="Ask chargers for their variables after a boot, and tell them what is wished of them"
    )
    provisioning_spread: float = Field(
        60.0, ge=0, description="Seconds over which chargers that come back at once are attended to"
    )
    concurrent_transactions: bool = Field(
        True, description="Whether a token may charge at two places at once; if not, the second is ConcurrentTx"
    )
    master_group: str = Field(
        "MASTERPASS", min_length=1, max_length=20, description="Group id of own cards that stop any transaction"
    )
    local_lists: bool = Field(
        True,
        description="Keep a local authorization list at chargers that can, unless said otherwise of one",
    )
    local_list_interval: float = Field(
        10.0, gt=0, description="Seconds between two looks for changed tokens that local lists must learn of"
    )
    local_list_most: int = Field(
        1000, gt=0, description="Most tokens in the local list of a charger that does not say how many it takes"
    )
    charger_ping_interval: int = Field(
        60, ge=0, description="Seconds between WebSocket pings of a charger's own, as wished of it; 0: nothing wished"
    )
    meter_interval: int = Field(
        60, ge=0, description="Seconds between meter values of a charge, as wished of chargers; 0: nothing wished"
    )
    measurands: str = Field(
        "Energy.Active.Import.Register,Power.Active.Import",
        description="Measurands during a charge, as wished of chargers, comma separated; empty: nothing wished",
    )
    aligned_interval: int = Field(
        900, ge=0, description="Seconds between clock-aligned meter values, as wished of chargers; 0: nothing wished"
    )
    stop_measurands: str = Field(
        "Energy.Active.Import.Register",
        description="Measurands of a charge's begin and end, as wished of chargers, comma separated; pricing needs "
        "Energy.Active.Import.Register; empty: nothing wished",
    )
    ping_interval: float = Field(30.0, gt=0, description="Seconds between WebSocket pings to a charger")
    charger_timeout: float = Field(30.0, gt=0, description="Seconds that a charger may take to answer a call")
    profiles_per_minute: int = Field(
        10, gt=0, description="Requests about charging profiles that a partner may make for one session in a minute"
    )
    session_interval: float = Field(
        60.0, ge=0, description="Least seconds between two updates of a running session, where nothing else changed"
    )
    currency: str = Field(
        "EUR", pattern="^[A-Z]{3}$", description="Currency (ISO 4217) of sessions at our own chargers without a tariff"
    )
    settle_window: float = Field(
        900.0, ge=0, description="Seconds after a stop in which late meter values still count, when some are missing"
    )
    upload_limit: int = Field(
        100 * 1024 * 1024, gt=0, description="Largest log in bytes that a charger may upload to /uploads"
    )
    upload_days: int = Field(30, gt=0, description="Days that uploaded logs of chargers are kept")

    @field_validator("ocpp_tls_certificate", "ocpp_tls_key", mode="before")
    @classmethod
    def _split_paths(cls, value: Any) -> Any:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
        return tuple(Path(part) for part in parts if part)

    @field_validator("ocpp_tls_key", mode="after")
    @classmethod
    def _a_key_each(cls, value: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        certificates = info.data.get("ocpp_tls_certificate", ())
        if len(value) != len(certificates):
            raise ValueError(f"{len(certificates)} certificates in OCPP_TLS_CERTIFICATE, and {len(value)} keys here")
        return value

    @field_validator("partner_networks", "ocpp_tls_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
        return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts if part)

    @field_validator("country_code", "party_id", "cpo_country_code", "cpo_party_id")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not (value.isascii() and value.isalnum()):
            raise ValueError("use letters and digits only")
        return value

    @property
    def api_url(self) -> str:
        """The base URL that partners use, without a trailing slash."""
        return (self.public_url or f"http://{_for_url(self.host)}:{self.port}").rstrip("/")

    @property
    def ocpp_url(self) -> str:
        """The base URL that chargers use, without a trailing slash and without /ocpp/{id}."""
        scheme, port = "ws", self.ocpp_port
        if self.ocpp_tls_certificate:
            scheme, port = "wss", self.ocpp_port if self.ocpp_tls_port is None else self.ocpp_tls_port
        return (self.ocpp_public_url or f"{scheme}://{_for_url(self.ocpp_host)}:{port}").rstrip("/")


def unknown_names() -> list[tuple[str, str | None]]:
    """Names with our prefix, in the environment or in `.env`, that are no setting; each with the nearest that is."""
    prefix, file = "ocpi_hub_", Path(".env")
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    written = [line.partition("=")[0].removeprefix("export ").strip() for line in lines if "=" in line]
    known = {f"OCPI_HUB_{name.upper()}" for name in Settings.model_fields}
    wrong = {name for name in (*os.environ, *written) if name.lower().startswith(prefix) and name.upper() not in known}
    return [(name, next(iter(get_close_matches(name.upper(), known, n=1)), None)) for name in sorted(wrong)]


def _for_url(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - a listener on every address is reached by loopback here
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
