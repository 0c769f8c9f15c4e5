"""What the calls about monitors, displays, cost and customers take and give."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge_ocpp.port import Monitor, VariableName
from ocpi_hub.admin.upkeep import Moment


class MonitorBody(BaseModel):
    """A monitor: thresholds and deltas in the variable's unit, periods in seconds; severity 0 (danger) to 9 (debug).

    With the `id` of one that the charger has, that one is replaced.
    """

    model_config = ConfigDict(extra="forbid")

    component: str = Field(min_length=1, max_length=50)
    component_instance: str = Field("", max_length=50)
    variable: str = Field(min_length=1, max_length=50)
    variable_instance: str = Field("", max_length=50)
    evse_id: int = Field(0, ge=0)
    connector_id: int = Field(0, ge=0)
    type: Literal["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]
    value: Decimal
    severity: int = Field(ge=0, le=9)
    transaction: bool = False
    id: int | None = Field(None, ge=0)

    def monitor(self) -> Monitor:
        name = VariableName(
            self.variable,
            self.component,
            self.component_instance,
            self.variable_instance,
            self.evse_id,
            self.connector_id,
        )
        return Monitor(name, self.type, self.value, self.severity, transaction=self.transaction, id=self.id)


class MonitorsBody(BaseModel):
    """Monitors to set."""

    model_config = ConfigDict(extra="forbid")

    monitors: list[MonitorBody] = Field(min_length=1, max_length=100)


class MonitoringBody(BaseModel):
    """Which monitors are in force, and from which severity on events are told."""

    model_config = ConfigDict(extra="forbid")

    base: Literal["All", "FactoryDefault", "HardWiredOnly"] | None = None
    level: int | None = Field(None, ge=0, le=9)


class MessageBody(BaseModel):
    """A text for a display; times without a zone are UTC, `transaction` is the charger's own id."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(ge=0, le=2**31 - 1)
    text: str = Field(min_length=1, max_length=512)
    priority: Literal["AlwaysFront", "InFront", "NormalCycle"] = "NormalCycle"
    format: Literal["ASCII", "HTML", "URI", "UTF8"] = "UTF8"
    language: str | None = Field(None, max_length=8)
    state: Literal["Charging", "Faulted", "Idle", "Unavailable"] | None = None
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    transaction: str | None = Field(None, max_length=36)


class CustomerBody(BaseModel):
    """A customer by token or by the operator's own identifier; report what is kept, clear it, or both."""

    model_config = ConfigDict(extra="forbid")

    token: str | None = Field(None, min_length=1, max_length=36)
    token_type: str = Field("ISO14443", max_length=20)
    customer: str | None = Field(None, min_length=1, max_length=64)
    report: bool = True
    clear: bool = False

    @model_validator(mode="after")
    def _whole(self) -> "CustomerBody":
        if (self.token is None) == (self.customer is None):
            raise ValueError("name either a token or a customer")
        if not (self.report or self.clear):
            raise ValueError("ask for a report, for clearing, or for both")
        return self


class CostBody(BaseModel):
    """Whether drivers see at this charger what they pay."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool


class MonitorAnswer(BaseModel):
    """A monitor as the charger reported it; `id` is the charger's, EVSE and connector 0 are the charger as a whole."""

    id: int | None
    component: str
    component_instance: str
    variable: str
    variable_instance: str
    evse_id: int
    connector_id: int
    type: str
    value: float
    severity: int
    transaction: bool


class CustomerAsked(BaseModel):
    """The number that the charger's report comes under."""

    request_id: int
