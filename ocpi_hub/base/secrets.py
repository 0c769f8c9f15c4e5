"""How secrets are kept: those that we must present are encrypted, those that others present are digested.

Both keys are derived from OCPI_HUB_SECRET_KEY. No plain secret may reach a row, a task or a log line.
"""

import base64
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from ocpi_hub.base.settings import Settings


def new_secret() -> str:
    """A credentials token or a key: 32 random bytes as 43 URL-safe characters.

    None begins with a hyphen: people write it at a command line, which would read an option.
    """
    while (made := secrets.token_urlsafe(32)).startswith("-"):
        pass
    return made


class Vault:
    """Seals and digests with keys derived from one master key."""

    def __init__(self, secret_key: str) -> None:
        self._master = secret_key.encode()
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derive("seal")))
        self._pepper = self.derive("digest")

    @classmethod
    def of(cls, settings: Settings) -> "Vault":
        """The vault of this installation. Raises ValueError when no secret key is set."""
        key: SecretStr | None = settings.secret_key
        if key is None or len(key.get_secret_value()) < 16:
            raise ValueError("OCPI_HUB_SECRET_KEY must be set to 16 characters or more; `ocpi-hub serve` makes one")
        return cls(key.get_secret_value())

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, such as peppering chargers' passwords."""
        return hmac.digest(self._master, f"ocpi-hub/{purpose}".encode(), "sha256")

    def seal(self, secret: str) -> str:
        """Encrypt a secret that must be readable again."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """The secret again. Raises ValueError when it was sealed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError(
                "a stored credential was sealed with another OCPI_HUB_SECRET_KEY: restore that key or re-register"
            ) from None

    def digest(self, secret: str) -> str:
        """A keyed digest for looking a presented secret up; equal secrets give equal digests."""
        return hmac.digest(self._pepper, secret.encode(), "sha256").hex()
