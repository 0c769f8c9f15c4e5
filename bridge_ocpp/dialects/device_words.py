"""The words of devices: reports of variables, and the default wishes that each version spells in its own way. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from bridge_ocpp.clock import Said
from bridge_ocpp.dialects.words import Fact
from bridge_ocpp.port import VariableName


class Wish(StrEnum):
    """What the hub wishes of every charger; each dialect knows which variable it is, if any."""

    HEARTBEAT_INTERVAL = "heartbeat_interval"
    PING_INTERVAL = "ping_interval"
    METER_INTERVAL = "meter_interval"
    MEASURANDS = "measurands"
    ALIGNED_INTERVAL = "aligned_interval"
    ALIGNED_MEASURANDS = "aligned_measurands"
    STOP_MEASURANDS = "stop_measurands"
    LOCAL_LIST = "local_list"
    LOCAL_OFFLINE = "local_offline"
    LOCAL_PREAUTHORIZE = "local_preauthorize"
    MASTER_GROUP = "master_group"


@dataclass(frozen=True, slots=True)
class Reported:
    """A variable in an answer or a report. `status` is what became of asking for it (OCPP 2.0.1's words)."""

    name: VariableName
    status: str = "Accepted"
    value: str | None = None
    mutability: str | None = None
    data_type: str | None = None
    unit: str | None = None
    min_limit: str | None = None
    max_limit: str | None = None
    values: str | None = None
    detail: str | None = None

    def plain(self) -> dict[str, Any]:
        """As an outcome's payload carries it: the name's parts beside the facts."""
        facts = {key: value for key, value in asdict(self).items() if key != "name"}
        return {**asdict(self.name), **facts}


_NAME = tuple(VariableName.__dataclass_fields__)


def reported(plain: Mapping[str, Any]) -> Reported:
    """The variable of an outcome's payload again."""
    name = VariableName(**{part: plain[part] for part in _NAME})
    return Reported(name, **{key: value for key, value in plain.items() if key not in _NAME})


def named(item: Reported, name: VariableName) -> Reported:
    """The same facts under the name that was asked for."""
    return replace(item, name=name)


@dataclass(frozen=True, slots=True)
class ReportPart(Fact):
    """A part of a report; `more` parts follow. A report that we never asked for has an id that we do not know."""

    request_id: int
    seq_no: int
    more: bool
    said: Said
    variables: tuple[Reported, ...]


class Unsayable(Exception):
    """A command that this version has no words for, as it was put."""
