"""What passing messages leaves behind: URLs of ours that stand for partners' own, and who asked whom about what.

Written only in this room, by proxies.py and trails.py; both forget by themselves.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel

from ocpi_hub.base.database import UtcTime


class Proxy(SQLModel, table=True):
    """A URL of ours that stands for a URL of a partner, for one caller and one target, until `expires_at`.

    `digest` is of the secret in our URL, and `url` is sealed: neither can be used by who reads the table. `purpose` is
    what it stands for: `result` (a response_url), `next` (a page), `object` (a CDR's Location). The caller is who may
    call it, the target whose URL it is; parties as registered (`NL/ABC`).
    """

    __tablename__ = "proxy"

    digest: str = Field(primary_key=True)
    purpose: str
    module: str
    url: str
    caller_platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE", index=True)
    caller_party: str
    target_platform_id: str = Field(foreign_key="platform.id", ondelete="CASCADE", index=True)
    target_party: str
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class Trail(SQLModel, table=True):
    """An id that two parties know from a message that we passed on, so that later ones about it find their way.

    `about` is `session` (a CPO told an eMSP of it), `reservation` (an eMSP made it at a CPO) or `profile` (somebody
    limits that session). `key` is the id in lower case; the owner is the CPO, the reader the other one, each as
    registered (`NL/ABC`) and folded.
    """

    __tablename__ = "trail"

    about: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    owner_key: str = Field(primary_key=True)
    reader_key: str = Field(primary_key=True)
    owner: str
    reader: str
    left_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
