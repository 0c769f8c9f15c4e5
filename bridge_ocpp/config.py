"""What the bridge is told by whoever assembles it. Durations are in seconds, sizes in bytes.

No reading of the environment here: that is the assembler's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. A certificate file holds the whole chain, its own certificate first; one of each kind of key may be
    given, so that ECDSA and RSA are both served. `client_authority` holds the authorities of client certificates.
    """

    pairs: tuple[tuple[Path, Path], ...]
    client_authority: Path | None = None

    def all(self) -> tuple[Path, ...]:
        files = [path for pair in self.pairs for path in pair]
        return (*files, self.client_authority) if self.client_authority else tuple(files)


@dataclass(frozen=True, slots=True)
class Signing:
    """How chargers' certificates are signed. `secret` (32 bytes) seals the authority's key; `own`: requests are signed
    at once by our authority, else each waits for an operator.
    """

    secret: bytes = field(repr=False)
    name: str = "OCPI hub"
    own: bool = True
    own_for_cars: bool = False
    """The same as `own`, for the certificates that chargers show to cars (ISO 15118-2)."""
    lifetime: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class BridgeConfig:
    """One frozen value object; `secret` is the pepper of the chargers' passwords (32 random bytes)."""

    host: str
    port: int
    secret: bytes = field(repr=False)
    heartbeat_interval: int = 300
    """Between two heartbeats, as told to chargers."""
    boot_interval: int = 60
    """After how long a charger whose boot was not accepted boots again, as told to it."""
    ping_interval: float = 30.0
    """Between two WebSocket pings. A silent charger is offline within two of these."""
    charger_timeout: float = 30.0
    """How long a charger may take to answer a call."""
    write_timeout: float = 20.0
    """How long one transaction may take, the business side's part included, before it is given up."""
    verdict_timeout: float = 10.0
    """How long the business side may take over a token before it counts as refused."""
    settle_window: float = 900.0
    """After an end with gaps: how long missing messages are waited for."""
    update_interval: float = 0.0
    """Between two tellings of a running transaction of which only the meter has news; 0 tells each."""
    max_frame: int = 64 * 1024
    """A longer frame closes the socket with 1009, unless it carries certificates."""
    max_certificate_frame: int = 1024 * 1024
    """The same for frames that carry certificates."""
    open_allowed: bool = False
    """Chargers with security profile 0 may come in without a password, where nothing leaves this machine."""
    tls: TlsFiles | None = None
    """The listener speaks TLS; None: it does not."""
    tls_port: int | None = None
    """A port of its own for TLS, beside `port` without it; None: `port` speaks TLS where `tls` is given."""
    tls_proxies: tuple[str, ...] = ()
    """Networks of TLS proxies: what comes from there came over TLS."""
    tls_watch: float = 5.0
    """Between two looks whether the TLS files have changed."""
    signing: Signing | None = None
    """How chargers' certificates are signed; None: not at all."""
    contract_authorities: bytes = b""
    """Certificates (PEM) of those who issue contracts to cars: what they sign can be checked, and is believed."""
    queue: int = 64
    """Calls of one charger that may wait to be handled; a charger that follows the protocol has one."""
    message_rate: float = 200.0
    """Messages a second that one charger may keep up; its reading is slowed beyond that."""
    message_burst: float = 1000.0
    """Messages that one charger may send at once before that."""
    writers: int = 8
    """Transactions that may be open at once; never more than the database pool has connections."""
    askers: int = 8
    """Questions about tokens that may be open at once, each with a connection of its own."""
    provisioning: bool = True
    """Whether chargers are asked for their variables after a boot, and told what is wished of them."""
    wishes: Mapping[str, str] = field(default_factory=dict)
    """What is wished of every charger that can: device_words.Wish to a value."""
    errand_interval: float = 1.0
    """Between two looks for what is owed to chargers."""
    errand_spread: float = 60.0
    """Over how long the chargers that come back at once are attended to."""
    errands_at_once: int = 8
    """Errands that run at the same time in one process."""
    flush_interval: float = 1.0
    """Between two writings of what may be lost: the journal of frames, quirks, last signs of life."""
    balance_interval: float = 1.0
    """Between two looks at the sites that share their power."""
    frames_kept: int = 500
    """Frames of the journal that are kept per charger."""
    frames_days: int = 7
    """Days after which a frame of the journal goes, and a meter value that belongs to no transaction."""
