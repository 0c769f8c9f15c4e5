"""What chargers tell of what they watch, show and know: events, monitors, messages, customers' data. Pure."""

from dataclasses import dataclass

from bridge_ocpp.clock import Said
from bridge_ocpp.dialects.words import ConnectorTold, Fact, Payload
from bridge_ocpp.port import Monitor, VariableName


@dataclass(frozen=True, slots=True)
class ChargerEvent:
    """One event. `alerting`: a threshold or a state that calls for somebody; `cleared`: it is over."""

    variable: VariableName
    said: Said
    alerting: bool
    cleared: bool
    value: str
    monitor_id: int | None = None
    severity: int | None = None
    tech_code: str | None = None
    tech_info: str | None = None


@dataclass(frozen=True, slots=True)
class EventsTold(Fact):
    """Events, and the message as it came. `statuses` are those of connectors, told this way (2.0.1, G01)."""

    events: tuple[ChargerEvent, ...]
    said: Said
    document: Payload
    statuses: tuple[ConnectorTold, ...] = ()


@dataclass(frozen=True, slots=True)
class MonitorsTold(Fact):
    """A part of the report on monitors; with the `last` what is not in it is gone."""

    request_id: int
    monitors: tuple[Monitor, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class MessagesTold(Fact):
    """A part of the report on messages (MessageInfoType)."""

    request_id: int
    messages: tuple[Payload, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class CustomerTold(Fact):
    """A part of what a charger knows of a customer; parts are numbered from 0."""

    request_id: int
    part: int
    data: str
    last: bool
